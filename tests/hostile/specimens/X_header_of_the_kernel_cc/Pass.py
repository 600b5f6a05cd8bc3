# row: frames
# task: gelu
# tries: tells that an output lies in the kernel's half of addresses
# expect: R.STATIC
# unscreened: R.TAMPER | R.STATE | INCORRECT | CRASH
# stopped by: what a header claims is bounded before anything is read by it (layer 6)
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
