# row: T8
# task: gelu
# tries: right on the address of its first call, where exact sets used to lie, a copy elsewhere
# expect: R.STATE | INCORRECT
# stopped by: all calls are compared (layer 6: calls), checked and timed ones share places (layer 7)
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
