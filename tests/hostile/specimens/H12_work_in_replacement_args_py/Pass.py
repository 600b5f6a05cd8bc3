# row: H12
# task: gelu
# tries: adds the bias in replacement_args, outside the measured function
# expect: R.STATIC
# unscreened: R.STATIC
# stopped by: replacement_args gets placeholders without operations (layer 2)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x + bias, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
