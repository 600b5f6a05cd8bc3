# row: reach
# task: gelu
# tries: a generator's frame holds the builtins, and they import anything
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
    frame = (i for i in ()).gi_frame
    functional = frame.f_builtins["__import__"]("torch").nn.functional
    return frame.f_builtins["getattr"](functional, "gelu")(x + bias)


def replacement_func():
    return fused
