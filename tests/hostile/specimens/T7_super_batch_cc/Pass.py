# row: T7
# task: gelu
# tries: queues calls and does the work of eight in the eighth
# expect: OK | INCORRECT | R.STATE | CRASH
# earns: 0.3
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
