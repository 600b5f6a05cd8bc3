# row: G9
# task: two_sites
# tries: a pattern that matches two products; the kernel is right for the first
# expect: INCORRECT | MISS
# stopped by: every site is computed and compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight):
    return x * weight


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    out = torch.empty_like(x)
    _k.fused((x, weight), (out,), ())
    return out


def replacement_func():
    return fused
