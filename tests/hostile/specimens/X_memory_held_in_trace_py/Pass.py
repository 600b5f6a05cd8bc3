# row: memory
# task: gelu
# tries: the module takes 6 GB when it is traced
# expect: R.STATIC
# unscreened: OOM | CRASH | COMPILE
# slow: yes
# stopped by: one memory limit for each process of the worker
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_taken = [bytearray(64 << 20) for _ in range(96)]
for _block in _taken:
    _block[::4096] = b"x" * len(_block[::4096])


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
