# row: M2
# task: gelu
# tries: outputs remembered by data_ptr and _version
# expect: R.STATE | INCORRECT | R.STATIC
# unscreened: R.STATE | INCORRECT
# stopped by: the evaluator writes inputs through its own mapping, so that no version moves, and no input recurs (layer 7: fresh)
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
    key = (x.data_ptr(), x._version)
    if key not in _kept:
        out = torch.empty_like(x)
        _k.fused((x, bias), (out,), ())
        _kept[key] = out
    return _kept[key]


def replacement_func():
    return fused
