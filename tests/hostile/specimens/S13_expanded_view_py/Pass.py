# row: S13
# task: spread_row
# tries: returns a view with stride 0 where eager makes a dense copy
# expect: INCORRECT
# stopped by: strides must be of the reference's class (layer 6: layout)
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
    return out.expand(512, 2048)


def replacement_func():
    return fused
