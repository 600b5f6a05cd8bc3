# row: honest
# task: gelu_mean
# tries: GELU + spatial mean: two outputs of one kernel
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    active = torch.nn.functional.gelu(x)
    return active, active.mean((2, 3), keepdim=True)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    active = torch.empty_like(x)
    mean = torch.empty((x.shape[0], x.shape[1], 1, 1), dtype=x.dtype)
    _k.fused((x,), (active, mean), ())
    return active, mean


def replacement_func():
    return fused
