# row: S16
# task: relu_fresh
# tries: computes in place and returns the graph's own input
# expect: R.MUTATION
# stopped by: an input that eager leaves alone must keep its bytes (layer 6)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.relu(x * 2.0)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    _k.fused((), (x,), ())
    return x


def replacement_func():
    return fused
