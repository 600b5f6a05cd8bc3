# row: M8
# task: gelu
# tries: the first output, kept in a closure
# expect: R.STATE | INCORRECT | R.STATIC
# unscreened: R.STATE | INCORRECT
# stopped by: no input recurs (layer 7: fresh), every output is compared (layer 6: calls), wherever a result is kept
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


def make():
    kept = None

    def call(x, bias):
        nonlocal kept
        if kept is None:
            kept = torch.empty_like(x)
            _k.fused((x, bias), (kept,), ())
        return kept

    return call


_call = make()


@torch.fx.wrap
def fused(x, bias):
    return _call(x, bias)


def replacement_func():
    return fused
