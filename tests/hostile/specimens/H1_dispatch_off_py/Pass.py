# row: H1
# task: gelu
# tries: turns torch's dispatch off and computes eagerly
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census sees the operation all the same (layer 5)
import torch



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    with torch._C.DisableTorchFunctionSubclass(), torch._C._DisableTorchDispatch():
        return torch.nn.functional.gelu(x + bias)


def replacement_func():
    return fused
