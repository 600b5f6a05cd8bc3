# row: T12
# task: gelu
# tries: arms 300 timers that fire while it is stopped and the reference runs
# expect: R.STATIC
# unscreened: OK | R.TAMPER | R.TIMING | CRASH | TIMEOUT
# earns: 0.3
# stopped by: timers are refused by the jail, a stopped process uses no time (layer 8)
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
