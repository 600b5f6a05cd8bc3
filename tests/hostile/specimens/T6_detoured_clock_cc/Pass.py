# row: T6
# task: gelu
# tries: overwrites the first bytes of libc's clock_gettime with a return
# expect: R.STATIC
# unscreened: OK | CRASH | R.TAMPER | TIMEOUT
# earns: 0.3
# stopped by: only the evaluator's own clock counts (layer 8)
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
