# row: phases
# task: gelu
# tries: exact where calls come far apart, a level off where they come in a row
# expect: R.STATE | INCORRECT | R.STATIC
# unscreened: R.STATE | INCORRECT
# stopped by: exact and fresh calls share places and moments (layer 7), and none may be much looser (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
