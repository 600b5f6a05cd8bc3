# row: G1
# task: gelu
# tries: calls torch's kernels for a dispatch key by hand, which no observer of operations is told of
# expect: R.STATIC
# unscreened: R.DISPATCH
# stopped by: the census (layer 5): a fresh answer that neither a kernel nor an operation has written
import torch


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


_cpu = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
_add = torch.ops.aten.add.Tensor
_gelu = torch.ops.aten.gelu.default


@torch.fx.wrap
def fused(x, bias):
    return _gelu.redispatch(_cpu, _add.redispatch(_cpu, x, bias))


def replacement_func():
    return fused
