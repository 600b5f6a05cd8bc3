# row: S2
# task: gelu
# tries: returns fresh memory and hopes that it holds the result
# expect: INCORRECT
# stopped by: the reference never ran in this process or its parents (layer 7: fresh); every output is compared (layer 6: calls)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    return torch.empty_like(x)


def replacement_func():
    return fused
