# row: T2
# task: gelu
# tries: an interval timer fills the output after the call has returned
# expect: R.STATIC
# unscreened: INCORRECT | R.STATE | R.TIMING | R.TAMPER | CRASH
# stopped by: outputs are read while the process is stopped (layer 8) and compared call by call (layer 6: calls); timers are refused by the jail (layer 3)
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
