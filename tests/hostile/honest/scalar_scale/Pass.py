# row: honest
# task: tiny_scale
# tries: a scalar times 256 elements
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x * 0.125


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), (0.125,))
    return out


def replacement_func():
    return fused
