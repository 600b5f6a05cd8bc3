# row: honest
# task: transpose_add
# tries: exact GELU of a transposed view + add: the kernel reads a strided input
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, y):
    return torch.nn.functional.gelu(x.transpose(1, 2)) + y


def replacement_args(x, y):
    return (x, y)


@torch.fx.wrap
def fused(x, y):
    out = torch.empty_like(y)
    _k.fused((x.transpose(1, 2), y), (out,), ())
    return out


def replacement_func():
    return fused
