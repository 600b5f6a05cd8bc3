# row: M8
# task: gelu
# tries: the first output, kept in a lru cache
# expect: R.STATIC
# unscreened: R.STATE | INCORRECT
# stopped by: no input recurs (layer 7: fresh), every output is compared (layer 6: calls), wherever a result is kept
import torch
import passnet_kernels
import functools

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@functools.lru_cache
def kept(shape):
    return {}


@torch.fx.wrap
def fused(x, bias):
    known = kept((x.shape[0], x.shape[1]))
    if "out" not in known:
        known["out"] = torch.empty_like(x)
        _k.fused((x, bias), (known["out"],), ())
    return known["out"]


def replacement_func():
    return fused
