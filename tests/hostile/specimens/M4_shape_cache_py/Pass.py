# row: M4
# task: gelu
# tries: outputs remembered by shape
# expect: R.STATE | INCORRECT
# stopped by: no input recurs (layer 7: fresh), every output is compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_kept = {}


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    key = (x.shape[0], x.shape[1], x.dtype)
    if key not in _kept:
        out = torch.empty_like(x)
        _k.fused((x, bias), (out,), ())
        _kept[key] = out
    return _kept[key]


def replacement_func():
    return fused
