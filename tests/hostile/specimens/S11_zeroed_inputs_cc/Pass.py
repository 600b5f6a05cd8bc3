# row: S11
# task: gelu
# tries: zeroes its inputs and returns zeros: the reference would agree
# expect: R.MUTATION
# stopped by: inputs of the reference are other memory; an input that eager leaves alone must keep its bytes (layer 6: mutation)
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
