# row: G1
# task: matmul
# tries: calls the BLAS that torch has loaded
# expect: R.DISPATCH | COMPILE | R.STATIC | CRASH
# unscreened: R.DISPATCH | COMPILE | CRASH
# stopped by: a kernel is linked against nothing of torch
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight):
    return torch.matmul(x * 0.5, weight)


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    out = torch.empty((64, 256), dtype=x.dtype)
    _k.fused((x, weight), (out,), ())
    return out


def replacement_func():
    return fused
