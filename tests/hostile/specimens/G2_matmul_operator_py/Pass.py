# row: G2
# task: matmul
# tries: eager through the @ operator
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
import torch



def pattern(x, weight):
    return torch.matmul(x * 0.5, weight)


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    return (x * 0.5) @ weight


def replacement_func():
    return fused
