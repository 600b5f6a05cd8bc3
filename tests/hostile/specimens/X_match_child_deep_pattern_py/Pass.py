# row: kill
# task: gelu
# tries: a pattern of 9000 operations in a chain, for the matcher to recurse over
# expect: MISS | CRASH | TIMEOUT | COMPILE
# stopped by: what a pattern does to the matcher is the candidate's own doing
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    value = x
    for _ in range(9000):
        value = value + bias
    return torch.nn.functional.gelu(value)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
