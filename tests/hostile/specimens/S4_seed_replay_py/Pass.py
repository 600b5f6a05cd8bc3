# row: S4
# task: gelu
# tries: draws from a known seed
# expect: R.STATIC
# unscreened: INCORRECT | R.DISPATCH
# stopped by: every call but a drawn one has fresh inputs (layer 7), every output is compared (layer 6: calls)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    torch.manual_seed(1024)
    return torch.nn.functional.gelu(torch.randn_like(x) + torch.randn_like(bias))


def replacement_func():
    return fused
