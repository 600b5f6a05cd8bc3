# row: S13
# task: permuted
# tries: returns the permuted view where eager makes a dense copy
# expect: INCORRECT
# stopped by: strides must be of the reference's class
# open: a dense output may have its elements in another order than eager's
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.nn.functional.gelu(x).permute(0, 2, 1).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out.permute(0, 2, 1)


def replacement_func():
    return fused
