# row: takeover
# task: tiny_scale
# tries: never returns: serves the socket itself, without guards and without Python
# expect: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | QUARANTINE | R.STATE | INCORRECT | CRASH | TIMEOUT | OK | R.STATIC
# unscreened: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | QUARANTINE | R.STATE | INCORRECT | CRASH | TIMEOUT | OK
# twin: scalar_scale
# stopped by: no call takes less than the way to the graph does on the trusted side (layer 9)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x * 0.125


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
