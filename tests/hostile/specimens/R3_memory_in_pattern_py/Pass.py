# row: R3
# task: gelu
# tries: pattern takes 6 GB
# expect: R.STATIC | OOM | CRASH | COMPILE
# unscreened: OOM | CRASH | COMPILE
# slow: yes
# stopped by: one memory limit for each process of the worker
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    taken = [bytearray(64 << 20) for _ in range(96)]
    for block in taken:
        block[::4096] = b"x" * len(block[::4096])
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
