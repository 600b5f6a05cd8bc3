# row: T6
# task: gelu
# tries: exports clock_gettime, read and write under the names of libc
# expect: OK | R.STATIC | CRASH | COMPILE | R.TAMPER
# unscreened: OK | CRASH | COMPILE | R.TAMPER
# earns: 0.3
# stopped by: only the evaluator's own clock counts (layer 8); a kernel's symbols bind nobody else
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
