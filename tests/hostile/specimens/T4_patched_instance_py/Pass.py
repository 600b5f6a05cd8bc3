# row: T4
# task: gelu
# tries: a plain tensor whose own methods would compute when it is read
# expect: R.STATIC
# unscreened: INCORRECT | R.STATE
# stopped by: its bytes are read, no method of it is called (layer 6: calls)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    out.numpy = lambda: torch.nn.functional.gelu(x + bias).numpy()
    out.contiguous = lambda: torch.nn.functional.gelu(x + bias)
    return out


def replacement_func():
    return fused
