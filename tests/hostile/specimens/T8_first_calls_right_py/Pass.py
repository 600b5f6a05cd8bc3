# row: T8
# task: gelu
# tries: eager for 12 calls, its input afterwards
# expect: R.STATIC
# unscreened: R.STATE | INCORRECT | R.DISPATCH
# stopped by: all calls are compared (layer 6: calls), and none can tell what it is for (layer 7)
import torch

_calls = [0]


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    _calls[0] += 1
    if _calls[0] <= 12:
        return torch.nn.functional.gelu(x + bias)
    return x.clone()


def replacement_func():
    return fused
