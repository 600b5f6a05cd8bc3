# row: honest
# task: branch_sum
# tries: three branches weighted by a softmax over their weights
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(weights, a, b, c):
    shares = torch.softmax(weights, 0)
    return shares[0] * a + shares[1] * b + shares[2] * c


def replacement_args(weights, a, b, c):
    return (weights, a, b, c)


@torch.fx.wrap
def fused(weights, a, b, c):
    out = torch.empty_like(a)
    _k.fused((weights, a, b, c), (out,), ())
    return out


def replacement_func():
    return fused
