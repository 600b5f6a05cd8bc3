# row: S15
# task: gelu
# tries: overwrites the inputs behind its own, which are the next call's
# expect: R.MUTATION | CRASH | INCORRECT | R.STATE
# stopped by: inputs of all slots are compared with what was filled in (layer 6: mutation)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
