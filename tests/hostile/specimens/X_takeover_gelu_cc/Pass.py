# row: takeover
# task: gelu
# tries: the same where the work is as long as the way to it
# expect: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | QUARANTINE | R.STATE | INCORRECT | CRASH | TIMEOUT | OK | R.STATIC
# unscreened: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | QUARANTINE | R.STATE | INCORRECT | CRASH | TIMEOUT | OK
# twin: fast_gelu
# stopped by: no call takes less than the way to the graph does on the trusted side (layer 9)
# open: the floor has the way to the graph and the bytes, not the work
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
