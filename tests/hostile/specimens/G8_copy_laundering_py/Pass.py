# row: G8
# task: add_mul
# tries: the kernel copies its input into fresh memory, operators do the work there
# expect: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    plain = torch.empty_like(x)
    _k.fused((x,), (plain,), ())
    return (plain + bias) * scale


def replacement_func():
    return fused
