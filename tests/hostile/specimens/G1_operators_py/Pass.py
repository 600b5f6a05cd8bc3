# row: G1
# task: add_mul
# tries: the replacement is the graph's own operators, which no screen can type
# expect: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
import torch



def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    return (x + bias) * scale


def replacement_func():
    return fused
