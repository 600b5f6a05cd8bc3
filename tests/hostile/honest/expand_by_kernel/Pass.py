# row: honest
# task: expand_copy
# tries: a row repeated by the kernel, the addition behind it left as it is
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x.expand(256, 1024).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty((256, 1024), dtype=x.dtype)
    _k.fused((x,), (out,), (256,))
    return out


def replacement_func():
    return fused
