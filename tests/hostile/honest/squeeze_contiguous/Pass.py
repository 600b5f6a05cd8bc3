# row: honest
# task: squeeze_norm
# tries: .squeeze().contiguous() before the kernel
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight):
    return torch.nn.functional.silu(x.squeeze(1) * weight, False)


def replacement_args(x, weight):
    return (x, weight)


@torch.fx.wrap
def fused(x, weight):
    rows = x.squeeze(1).contiguous()
    out = torch.empty_like(rows)
    _k.fused((rows, weight), (out,), ())
    return out


def replacement_func():
    return fused
