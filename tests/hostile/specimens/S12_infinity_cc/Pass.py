# row: S12
# task: gelu
# tries: right but for one element, which overflows
# expect: INCORRECT
# stopped by: NaN and infinities must stand where the reference has them (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
