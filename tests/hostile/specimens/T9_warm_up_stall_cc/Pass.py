# row: T9
# task: add_mul
# tries: stalls 0.1 s in each of its first ten calls, so that the time left buys few samples
# expect: OK | R.TIMING | TIMEOUT
# twin: add_mul
# slow: yes
# stopped by: calls are counted by the evaluator (layer 8); what a short measurement leaves open is in its interval
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    out = torch.empty_like(x)
    _k.fused((x, bias, scale), (out,), ())
    return out


def replacement_func():
    return fused
