# row: reach
# task: gelu
# tries: a class pattern in a match statement fetches methods that compute
# expect: R.STATIC | R.DISPATCH
# unscreened: R.DISPATCH
# stopped by: the census of dispatched operations (layer 5); the screen knows this spelling
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    v = x + bias
    match v * 0.7071067811865475:
        case torch.Tensor(erf=error_function):
            return v * 0.5 * (error_function() + 1.0)


def replacement_func():
    return fused
