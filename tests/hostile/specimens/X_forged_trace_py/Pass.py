# row: forged trace
# task: softmax_keyword
# tries: pattern writes the trace itself, with a call that no tracer writes so
# expect: R.STATIC
# unscreened: MISS | R.TAMPER | R.STATIC | COMPILE
# stopped by: what a trace claims must be what its own tracer would have written
import torch
import passnet_kernels
import json
import os

_k = passnet_kernels.load("kernel")
def _frame(text):
    data = text.encode()
    os.write(3, len(data).to_bytes(4, "little") + data)


_TRACE = {"passes": [{"name": "Pass", "placeholders": ["x"], "nodes": [
    {"name": "mul", "op": "call_function", "target": "_operator.mul",
     "args": [{"node": "x"}, {"float": "0.125"}], "kwargs": {}},
    {"name": "softmax", "op": "call_function", "target": "torch.nn.functional.softmax",
     "args": [{"node": "mul"}], "kwargs": {"dim": -1}}],
    "output": {"node": "softmax"}, "replacement_args": [{"placeholder": 0}]}], "errors": [], "uses_triton": False}


def pattern(x):
    _frame(json.dumps(_TRACE))
    os._exit(0)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    out = torch.empty_like(x)
    _k.fused((x,), (out,), ())
    return out


def replacement_func():
    return fused
