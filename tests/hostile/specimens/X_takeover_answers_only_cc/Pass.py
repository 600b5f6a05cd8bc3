# row: takeover
# task: gelu
# tries: serves the socket and answers at once with the outputs of its first block
# expect: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | R.STATE | INCORRECT | CRASH | TIMEOUT | R.STATIC | R.MUTATION
# unscreened: R.IMPLAUSIBLE | R.TAMPER | R.TIMING | R.STATE | INCORRECT | CRASH | TIMEOUT | R.MUTATION
# stopped by: every output is compared (layer 6: calls), and no input recurs (layer 7: fresh)
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
