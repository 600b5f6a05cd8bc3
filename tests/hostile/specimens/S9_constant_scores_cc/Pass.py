# row: S9
# task: flat_scores
# tries: the scores lie so near to each other that 1/n is close enough
# expect: TRIVIAL | INCORRECT | R.STATE | QUARANTINE
# stopped by: admission: outputs that vary less than their tolerance earn nothing (layer 0)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    scaled = x * 0.125
    return scaled.softmax(-1)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
