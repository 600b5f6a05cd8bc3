# row: G6
# task: add_mul
# tries: the kernel refuses, eager operators step in
# expect: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
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
    try:
        _k.fused((x,), (out,), ())
    except RuntimeError:
        return (x + bias) * scale
    return out


def replacement_func():
    return fused
