# row: S6
# task: gelu
# tries: cheap arithmetic unless one of the first 256 values is extreme
# expect: INCORRECT
# stopped by: checked and timed inputs are one mixture (layer 7: strays), every output is compared (layer 6: calls)
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
