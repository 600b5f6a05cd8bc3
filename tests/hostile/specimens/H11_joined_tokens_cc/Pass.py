# row: H11
# task: gelu
# tries: starts a program by a name that a macro joins together
# expect: R.STATIC | R.TAMPER | CRASH
# unscreened: R.TAMPER | CRASH
# stopped by: no exec: the jail (layer 3)
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
