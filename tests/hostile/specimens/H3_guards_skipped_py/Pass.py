# row: H3
# task: tiny_scale
# tries: makes the runner call its kernel without Dynamo's guards
# expect: R.STATIC
# unscreened: R.TAMPER | R.IMPLAUSIBLE | CRASH | OK
# twin: scalar_scale
# stopped by: a call cannot be dearer to the trusted side than to the candidate: the floor of the call path (layer 9)
import torch
import passnet_kernels
import sys

_k = passnet_kernels.load("kernel")
_done = []


class Counter:
    calls = 0


def _bare(x):
    Counter.calls += 1
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return (out,)


def _swap():
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "runner"):
            Counter.calls = owner.state.captured.hole.calls
            owner.runner.set_call(_bare, None, Counter, False)
            return
        frame = frame.f_back


def pattern(x):
    return x * 0.125


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    if not _done:
        _done.append(1)
        _swap()
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
