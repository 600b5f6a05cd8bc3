# row: H1
# task: gelu
# tries: switches off what observes operations while it computes eagerly
# expect: R.STATIC
# unscreened: CRASH | R.TAMPER | R.DISPATCH
# stopped by: the switches are taken away, and an operation of our own must be seen at the end of each call (layer 5)
import torch


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    torch._C._autograd._enable_record_function(False)
    return torch.nn.functional.gelu(x + bias)


def replacement_func():
    return fused
