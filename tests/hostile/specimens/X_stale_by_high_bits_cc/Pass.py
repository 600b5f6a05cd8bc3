# row: stale
# task: gelu_small
# tries: outputs remembered by the high bits of all inputs
# expect: OK | R.STATE | INCORRECT
# earns: 0.3
# stopped by: values differ from call to call, not only in their last bits (layer 7: fresh), every output is compared (layer 6: calls)
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
