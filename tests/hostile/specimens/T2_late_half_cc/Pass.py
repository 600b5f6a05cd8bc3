# row: T2
# task: gelu
# tries: leaves half of an output for the next call to fill
# expect: INCORRECT | R.STATE
# stopped by: outputs are read while the process is stopped (layer 8) and compared call by call (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
