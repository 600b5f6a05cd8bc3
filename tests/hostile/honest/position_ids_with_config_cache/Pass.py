# row: honest
# task: position_ids
# tries: cumsum positions; a dictionary of ints keeps launch figures by shape
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_CONFIGS = {}


def pattern(mask):
    return torch.cumsum(mask, 1) * mask + 1


def replacement_args(mask):
    return (mask,)


@torch.fx.wrap
def fused(mask):
    shape = (mask.shape[0], mask.shape[1])
    if shape not in _CONFIGS:
        _CONFIGS[shape] = shape[0] * shape[1]
    out = torch.empty_like(mask)
    _k.fused((mask,), (out,), (_CONFIGS[shape],))
    return out


def replacement_func():
    return fused
