# row: M9
# task: add_mul
# tries: the same output tensor is returned by every call
# expect: R.STATE
# stopped by: an output may share memory with no earlier one (layer 6: sharing)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_out = []


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    if not _out:
        _out.append(torch.empty_like(x))
    _k.fused((x, bias, scale), (_out[0],), ())
    return _out[0]


def replacement_func():
    return fused
