# row: S10
# task: scores
# tries: scales the scores and leaves the softmax out
# expect: INCORRECT
# stopped by: every element of every output is compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    scaled = x * 0.125
    weights = scaled.softmax(-1)
    return torch.nn.functional.dropout(weights, 0.1, False, False)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
