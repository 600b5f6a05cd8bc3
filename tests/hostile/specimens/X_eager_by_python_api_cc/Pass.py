# row: caller
# task: matmul
# tries: a kernel asks the interpreter to compute with torch
# expect: R.STATIC | R.DISPATCH | COMPILE | CRASH
# unscreened: R.DISPATCH | COMPILE | CRASH
# stopped by: the census of dispatched operations (layer 5)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_x = None
_w = None
_out = None


def pattern(x, weight):
    return torch.matmul(x * 0.5, weight)


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    global _x, _w, _out
    _x, _w = x, weight
    _out = torch.empty((64, 256), dtype=x.dtype)
    _k.fused((), (_out,), ())
    return _out


def replacement_func():
    return fused
