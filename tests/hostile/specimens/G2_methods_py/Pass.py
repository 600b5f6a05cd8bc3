# row: G2
# task: gelu
# tries: eager through methods of tensors
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
    v = x.add(bias)
    return v.mul(0.5).mul(v.mul(0.7071067811865475).erf().add(1.0))


def replacement_func():
    return fused
