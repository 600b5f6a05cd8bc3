# row: S13
# task: spread_row
# tries: returns the one column that broadcasting would spread
# expect: INCORRECT
# stopped by: the shape must be the reference's (layer 6)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return (x * 2.0).expand(512, 2048).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
