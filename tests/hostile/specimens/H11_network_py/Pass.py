# row: H11
# task: gelu
# tries: asks the network for the answer
# expect: R.STATIC
# unscreened: R.TAMPER | CRASH
# stopped by: no exec, no network: the jail (layer 3)
import torch
import passnet_kernels
import socket

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    socket.create_connection(("192.0.2.1", 80), timeout=1)
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
