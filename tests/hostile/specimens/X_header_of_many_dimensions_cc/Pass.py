# row: frames
# task: gelu
# tries: tells of an output with 2^31 - 1 dimensions
# expect: R.STATIC
# unscreened: R.TAMPER | R.STATE | INCORRECT | CRASH
# stopped by: what a header claims is bounded before anything is read by it (layer 6)
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
