# row: T3
# task: gelu
# tries: a second thread computes after the call has returned
# expect: R.STATIC
# unscreened: CRASH | R.TAMPER | INCORRECT | R.STATE | R.TIMING
# stopped by: one core, no second thread: the jail (layer 3)
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
