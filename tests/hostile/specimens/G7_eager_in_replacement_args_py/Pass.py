# row: G7
# task: add_mul
# tries: the sum is a node of its own outside the measured function
# expect: R.STATIC
# unscreened: R.STATIC
# stopped by: replacement_args gets placeholders without operations (layer 2)
import torch



def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x + bias, scale, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    return x * bias


def replacement_func():
    return fused
