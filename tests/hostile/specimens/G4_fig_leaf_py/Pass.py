# row: G4
# task: matmul
# tries: a scaling in the kernel, the matrix product left to eager
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight):
    return torch.matmul(x * 0.5, weight)


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    scaled = torch.empty_like(x)
    _k.fused((x,), (scaled,), ())
    return torch.matmul(scaled, weight)


def replacement_func():
    return fused
