# row: T4
# task: gelu
# tries: returns a tensor subclass that would compute when it is read
# expect: R.STATIC
# unscreened: INCORRECT | R.TAMPER
# stopped by: an output must be a plain strided tensor; its bytes are read, no method of it is called (layer 6)
import torch

class Lazy(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        plain = [torch.nn.functional.gelu(a.inputs[0] + a.inputs[1]) if isinstance(a, Lazy) else a for a in args]
        return function(*plain, **(kwargs or {}))


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.Tensor._make_subclass(Lazy, torch.empty_like(x))
    out.inputs = (x, bias)
    return out


def replacement_func():
    return fused
