# row: G1
# task: gelu
# tries: the replacement is torch's own operation
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_func():
    return fused
