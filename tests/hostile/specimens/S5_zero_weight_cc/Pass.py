# row: S5
# task: zero_weight
# tries: weight_meta says that a weight is all zero: only the bias is written
# expect: TRIVIAL | INCORRECT | R.STATE | QUARANTINE
# stopped by: tensors that never vary are drawn anew in strayed calls (layer 7: strays)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight, bias):
    return torch.nn.functional.gelu(x) * weight + bias


def replacement_args(x, weight, bias):
    return (x, weight, bias)


@torch.fx.wrap
def fused(x, weight, bias):
    out = torch.empty_like(x)
    _k.fused((x, weight, bias), (out,), ())
    return out


def replacement_func():
    return fused
