# row: S1
# task: gelu
# tries: returns a copy of its input
# expect: INCORRECT
# stopped by: every element of every output is compared (layer 6: calls)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    return x.clone()


def replacement_func():
    return fused
