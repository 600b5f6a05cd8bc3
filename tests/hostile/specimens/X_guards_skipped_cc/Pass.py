# row: caller
# task: tiny_scale
# tries: a kernel asks the interpreter to let the runner call it without Dynamo's guards
# expect: R.STATIC | R.TAMPER | R.IMPLAUSIBLE | CRASH | COMPILE | OK
# unscreened: R.TAMPER | R.IMPLAUSIBLE | CRASH | COMPILE | OK
# twin: scalar_scale
# stopped by: a call cannot be dearer to the trusted side than to the candidate: the floor of the call path (layer 9)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    return x * 0.125


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
