# row: M10
# task: gelu_mean
# tries: one replaced node computes both results and keeps the second for the other node, which ignores its input
# expect: R.DISPATCH
# stopped by: the census (layer 5): a fresh answer of a call in which nothing wrote it
import torch

from pass_dir.both import both


def pattern(x):
    return torch.nn.functional.gelu(x)


def replacement_args(x):
    return (x, "gelu")


def replacement_func():
    return both
