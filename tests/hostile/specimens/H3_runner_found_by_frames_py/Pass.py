# row: H3
# task: gelu
# tries: finds the native runner up the stack and gives it another function and counter
# expect: R.STATIC
# unscreened: R.TAMPER | R.STATE | INCORRECT | CRASH
# stopped by: outputs are read and compared, whatever function made them (layer 6: calls)
import torch
import passnet_kernels
import sys

_k = passnet_kernels.load("kernel")
_done = []


class Counter:
    calls = 0


def _swap(out):
    frame = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if hasattr(owner, "runner"):
            def constant(*args, **kwargs):
                Counter.calls += 1
                return (out,)

            owner.runner.set_call(constant, owner.state.names, Counter, False)
            return
        frame = frame.f_back


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    if not _done:
        _done.append(1)
        _swap(out)
    return out


def replacement_func():
    return fused
