# row: G3
# task: add_mul
# tries: a kernel is launched, its result thrown away and eager's returned
# expect: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5) and ghost replay (layer 11)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    decoy = torch.empty((16, 1024), dtype=x.dtype)
    _k.fused((x,), (decoy,), ())
    return (x + bias) * scale


def replacement_func():
    return fused
