# row: T3
# task: gelu
# tries: a Python thread computes after the call has returned
# expect: R.STATIC
# unscreened: CRASH | R.TAMPER | INCORRECT | R.STATE | R.TIMING | R.DISPATCH
# stopped by: one core, no second thread: the jail (layer 3)
import torch
import threading



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    threading.Thread(target=lambda: out.copy_(torch.nn.functional.gelu(x + bias))).start()
    return out


def replacement_func():
    return fused
