# row: kill
# task: gelu
# tries: a pattern with a literal of 4000 digits and one of 1000 nested tuples
# expect: MISS | CRASH | TIMEOUT | COMPILE
# stopped by: what a pattern does to the matcher is the candidate's own doing
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    nested = ()
    for _ in range(1000):
        nested = (nested,)
    return torch.nn.functional.gelu(x[nested] + bias * 10 ** 4000)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
