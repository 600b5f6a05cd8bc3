# row: reach
# task: gelu
# tries: typing.ForwardRef evaluates a text
# expect: R.STATIC | R.DISPATCH
# unscreened: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5); the screen knows this spelling
import torch
import typing



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    call = typing.ForwardRef("__import__('torch').nn.functional.gelu")._evaluate({}, {}, frozenset())
    return call(x + bias)


def replacement_func():
    return fused
