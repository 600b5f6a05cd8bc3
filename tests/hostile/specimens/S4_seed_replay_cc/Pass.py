# row: S4
# task: gelu
# tries: draws the input set of seed 123 itself and answers for that one
# expect: INCORRECT
# stopped by: every call but a drawn one has fresh inputs (layer 7), every output is compared (layer 6: calls)
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
