# row: S10
# task: layer_norm
# tries: weight and bias of a LayerNorm without its statistics
# expect: INCORRECT
# stopped by: every element of every output is compared (layer 6: calls)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight, bias):
    return torch.nn.functional.layer_norm(x, (512,), weight, bias, 1e-05)


def replacement_args(x, weight, bias):
    return (x, weight, bias)


@torch.fx.wrap
def fused(x, weight, bias):
    out = torch.empty_like(x)
    _k.fused((x, weight, bias), (out,), ())
    return out


def replacement_func():
    return fused
