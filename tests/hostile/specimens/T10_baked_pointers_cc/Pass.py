# row: T10
# task: gelu
# tries: computes from the addresses of its first call for ever, as a replayed CUDA graph does
# expect: OK | R.STATE | INCORRECT
# earns: 0.5
# stopped by: no input recurs (layer 7: fresh), every output is compared (layer 6: calls)
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
