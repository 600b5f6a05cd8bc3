# row: G1
# task: long_chain
# tries: a fast kernel for a part of the work, the rest by another library than torch, which no census sees
# expect: R.STATIC
# unscreened: QUARANTINE
# stopped by: its launches alone, made again, do not give its answers (layer 10)
import numpy
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    y = torch.abs(x * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    return torch.abs(y * 0.75 + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    values = out.numpy()
    numpy.add(values, values, out=values)
    return out


def replacement_func():
    return fused
