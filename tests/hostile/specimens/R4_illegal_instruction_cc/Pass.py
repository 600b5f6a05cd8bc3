# row: R4
# task: gelu
# tries: an instruction that does not exist
# expect: CRASH
# stopped by: a fresh process for every graph
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
