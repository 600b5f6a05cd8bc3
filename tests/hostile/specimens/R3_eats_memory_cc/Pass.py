# row: R3
# task: gelu
# tries: takes memory until there is none
# expect: OOM | CRASH | R.TAMPER
# stopped by: one memory limit for each process of the worker
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
