# row: stale
# task: where_mask
# tries: a content hash over bool inputs, which are redrawn from set to set only
# expect: OK | R.STATE | INCORRECT
# earns: 1.8
# stopped by: bools are redrawn for every call (layer 7: fresh)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(a, b):
    return torch.nn.functional.gelu((a & b).to(torch.float32))


def replacement_args(a, b):
    return (a, b)


@torch.fx.wrap
def fused(a, b):
    out = torch.empty((256, 256), dtype=torch.float32)
    _k.fused((a, b), (out,), ())
    return out


def replacement_func():
    return fused
