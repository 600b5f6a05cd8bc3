# row: honest
# task: expand_copy
# tries: no kernel: a copy is left out, and the view does as well
# expect: OK
import torch


def pattern(x):
    return x.expand(256, 1024).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    return x.expand(256, 1024)


def replacement_func():
    return fused
