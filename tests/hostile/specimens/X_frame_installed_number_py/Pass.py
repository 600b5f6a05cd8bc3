# row: frames
# task: gelu
# tries: answers its installation with a number for a truth value
# expect: R.STATIC
# unscreened: R.TAMPER
# stopped by: every frame of a hostile process has a typed, bounded reader
import torch
import passnet_kernels
import os

_k = passnet_kernels.load("kernel")
def _frame(text):
    data = text.encode()
    os.write(3, len(data).to_bytes(4, "little") + data)


if type(_k).__name__ != "NotCompiledHere":
    _frame('{"installed": 5}')


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
