# row: S5
# task: identity_norm
# tries: weight_meta says mean 0, variance 1, weight 1, bias 0: a batch norm is left out
# expect: TRIVIAL | INCORRECT | R.STATE | QUARANTINE
# stopped by: tensors that never vary are drawn anew in strayed calls (layer 7: strays)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, mean, variance, weight, bias):
    return torch.nn.functional.silu(torch.nn.functional.batch_norm(x, mean, variance, weight, bias, False, 0.1, 1e-05), False)


def replacement_args(x, mean, variance, weight, bias):
    return (x, mean, variance, weight, bias)


@torch.fx.wrap
def fused(x, mean, variance, weight, bias):
    out = torch.empty_like(x)
    _k.fused((x, mean, variance, weight, bias), (out,), ())
    return out


def replacement_func():
    return fused
