# row: caller
# task: gelu
# tries: a kernel asks the interpreter to give the runner another function
# expect: R.STATIC | R.TAMPER | R.STATE | INCORRECT | CRASH | COMPILE
# unscreened: R.TAMPER | R.STATE | INCORRECT | CRASH | COMPILE
# stopped by: outputs are read and compared, whatever function made them (layer 6: calls)
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
