# row: G3
# task: expand_copy
# tries: a kernel fills scratch memory, torch's copy makes the answer: no operation that a census refuses
# expect: R.DISPATCH
# stopped by: ghost replay (layer 11): the answer is the same without the kernel
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x.expand(256, 1024).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    decoy = torch.empty((1, 1024), dtype=x.dtype)
    _k.fused((x,), (decoy,), (1,))
    return x.expand(256, 1024).contiguous()


def replacement_func():
    return fused
