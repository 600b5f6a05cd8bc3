# row: H11
# task: gelu
# tries: an eager library call inside a string that it executes
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census sees the operation all the same (layer 5)
import torch

_space = {"torch": torch}
exec("call = lambda x, b: torch.nn.functional.gelu(x + b)", _space)


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    return _space["call"](x, bias)


def replacement_func():
    return fused
