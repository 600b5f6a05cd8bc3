# row: takeover
# task: gelu
# tries: serves the socket, and dies as soon as it has answered, so that nobody can read its outputs
# expect: R.STATIC | CRASH | R.TAMPER | R.TIMING | R.STATE | INCORRECT | TIMEOUT
# unscreened: CRASH | R.TAMPER | R.TIMING | R.STATE | INCORRECT | TIMEOUT
# stopped by: what cannot be read of a contender is its own failure (layer 6: calls), never the lane's
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
