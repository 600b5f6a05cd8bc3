# row: sigcont
# task: gelu
# tries: a handler of SIGCONT computes before the command is read
# expect: R.STATIC | OK | R.STATE | INCORRECT | R.TIMING | CRASH | TIMEOUT | R.TAMPER
# unscreened: OK | R.STATE | INCORRECT | R.TIMING | CRASH | TIMEOUT | R.TAMPER
# earns: 0.3
# stopped by: clock before the continue signal, no untimed call after the fill (layer 8)
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
