# row: S13
# task: expand_copy
# tries: one row of 1024 stands for 256 rows
# expect: INCORRECT
# stopped by: strides must be of the reference's class (layer 6: layout)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x.expand(256, 1024).contiguous() + 1.0


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    row = torch.empty((1, 1024), dtype=x.dtype)
    _k.fused((x,), (row,), ())
    return row.expand(256, 1024)


def replacement_func():
    return fused
