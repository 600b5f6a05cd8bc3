# row: null block
# task: add_mul
# tries: another layout for the outputs of its first address, so that a dearer null cost is taken off all
# expect: OK | INCORRECT | R.STATE
# stopped by: nothing that depends on the candidate is taken off (layer 8)
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_first = []


def pattern(x, bias, scale):
    return (x + bias) * scale


def replacement_args(x, bias, scale):
    return (x, bias, scale)


@torch.fx.wrap
def fused(x, bias, scale):
    if not _first:
        _first.append(x.data_ptr())
    if x.data_ptr() == _first[0]:
        out = torch.empty_strided((256, 1024), (1, 256), dtype=x.dtype)
        out.copy_(torch.empty_like(x))
        plain = torch.empty_like(x)
        _k.fused((x, bias, scale), (plain,), ())
        out.copy_(plain)
        return out
    out = torch.empty_like(x)
    _k.fused((x, bias, scale), (out,), ())
    return out


def replacement_func():
    return fused
