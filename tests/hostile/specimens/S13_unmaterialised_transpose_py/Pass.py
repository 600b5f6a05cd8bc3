# row: S13
# task: permuted
# tries: returns the permuted view where eager makes a dense copy
# expect: OK | INCORRECT | R.STATE
# stopped by: nothing: a dense output may have its elements in any order, and costs what it costs
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.nn.functional.gelu(x).permute(0, 2, 1).contiguous()


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out.permute(0, 2, 1)


def replacement_func():
    return fused
