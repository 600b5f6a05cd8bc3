# row: M9
# task: add_mul
# tries: two output tensors, returned by turns
# expect: R.STATE
# stopped by: an output may share memory with no earlier one (layer 6: sharing)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_outs = []
_turn = [0]


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    if len(_outs) < 2:
        _outs.append(torch.empty_like(x))
    _turn[0] += 1
    out = _outs[_turn[0] % len(_outs)]
    _k.fused((x, bias, scale), (out,), ())
    return out


def replacement_func():
    return fused
