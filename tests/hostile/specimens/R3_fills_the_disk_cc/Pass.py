# row: R3
# task: gelu
# tries: fills /tmp
# expect: R.STATIC
# unscreened: OK | CRASH | R.TAMPER | OOM
# earns: 0.3
# stopped by: /tmp has 32 MiB: the jail (layer 3)
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
