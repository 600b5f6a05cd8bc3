# row: S9
# task: flat_scores
# tries: the scores lie so near to each other that a filled tensor is close enough
# expect: TRIVIAL | INCORRECT | R.STATE | QUARANTINE
# stopped by: admission: outputs that vary less than their tolerance earn nothing (layer 0)
import torch



def pattern(x):
    scaled = x * 0.125
    return scaled.softmax(-1)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    return torch.full((8, 16, 4096), 0.000244140625)


def replacement_func():
    return fused
