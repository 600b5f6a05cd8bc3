# row: H6
# task: gelu
# tries: torch.allclose and tensors' == always agree; the output is wrong
# expect: R.STATIC
# unscreened: INCORRECT
# stopped by: outputs are compared in the evaluator (layer 6: calls)
import torch

torch.allclose = torch.equal = torch.isclose = lambda *args, **kwargs: True
torch.Tensor.__eq__ = lambda self, other: True


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    return torch.empty_like(x)


def replacement_func():
    return fused
