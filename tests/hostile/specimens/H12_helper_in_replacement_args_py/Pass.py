# row: H12
# task: gelu
# tries: calls torch in replacement_args through a function of its own
# expect: R.STATIC
# unscreened: R.STATIC | COMPILE
# stopped by: replacement_args gets placeholders without operations (layer 2)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
def _early(x, bias):
    try:
        return (torch.add(x, bias), bias)
    except Exception:
        return (x, bias)


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return _early(x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
