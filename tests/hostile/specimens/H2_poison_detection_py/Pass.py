# row: H2
# task: gelu
# tries: dummies while its arguments are of a special class, eager otherwise
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: arguments are plain tensors in every call
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    if type(x).__name__ != "Tensor":
        return torch.empty_like(x)
    return torch.nn.functional.gelu(x + bias)


def replacement_func():
    return fused
