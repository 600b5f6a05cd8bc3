# row: S10
# task: dropout_alias
# tries: scales by 1 / (1 - p) where dropout is off
# expect: INCORRECT
# stopped by: every element of every output is compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.nn.functional.dropout(x, 0.1, False, False)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
