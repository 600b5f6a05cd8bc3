# row: M10
# task: gelu_mean
# tries: one replaced node computes both results and keeps the second for the other node, which ignores its input
# expect: OK | QUARANTINE | R.STATE | INCORRECT | R.STATIC
# unscreened: OK | QUARANTINE | R.STATE | INCORRECT
# stopped by: right in one forward, so only as fast as the work is; the kernel is slow on purpose
import torch

from pass_dir.both import both


def pattern(x):
    return torch.nn.functional.gelu(x)


def replacement_args(x):
    return (x, "gelu")


def replacement_func():
    return both
