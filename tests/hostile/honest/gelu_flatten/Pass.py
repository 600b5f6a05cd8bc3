# row: honest
# task: gelu_flatten
# tries: GELU + flatten
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return torch.flatten(torch.nn.functional.gelu(x), 1)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out.view(x.shape[0], -1)


def replacement_func():
    return fused
