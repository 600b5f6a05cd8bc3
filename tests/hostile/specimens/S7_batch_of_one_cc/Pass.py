# row: S7
# task: gelu_batches
# tries: computes the first of the batch only: right where the batch is 1
# expect: INCORRECT
# stopped by: every graph of a task is judged, each with its own shapes
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
