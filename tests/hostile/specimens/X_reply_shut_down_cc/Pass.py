# row: frames
# task: gelu
# tries: closes the channel to the evaluator and lives on
# expect: R.TAMPER | CRASH | TIMEOUT | R.STATIC
# unscreened: R.TAMPER | CRASH | TIMEOUT
# stopped by: a candidate that is gone has crashed
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
