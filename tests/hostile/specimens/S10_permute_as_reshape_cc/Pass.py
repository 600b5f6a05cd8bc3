# row: S10
# task: permuted
# tries: a permutation done as a reshape
# expect: INCORRECT
# stopped by: every element of every output is compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.nn.functional.gelu(x).permute(0, 2, 1).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty((8, 96, 32), dtype=x.dtype)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
