# row: count
# task: gelu
# tries: counts its own calls of the installed graph twice
# expect: R.STATIC
# unscreened: R.TAMPER | CRASH | OK
# earns: 0.3
# stopped by: the calls of the graph are counted (layer 8), and a count that is wrong is the candidate's own doing
import torch
import passnet_kernels
import sys

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "runner"):
            owner.state.captured.hole.calls += 1
            break
        frame = frame.f_back
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
