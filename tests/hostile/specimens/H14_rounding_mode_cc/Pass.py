# row: H14
# task: gelu
# tries: sets flush to zero and leaves it so
# expect: OK | R.TAMPER | INCORRECT
# earns: 0.3
# stopped by: the reference lives in a process of its own, which has its own state; every output is compared (layer 6: calls)
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
