# row: honest
# task: add_mul
# tries: a sum and a product in one pass over a megabyte
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    out = torch.empty_like(x)
    _k.fused((x, bias, scale), (out,), ())
    return out


def replacement_func():
    return fused
