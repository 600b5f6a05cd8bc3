import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")
_kept = []


@torch.fx.wrap
def both(x, route):
    if route == "mean":
        return _kept.pop()
    active = torch.empty_like(x)
    mean = torch.empty((x.shape[0], x.shape[1], 1, 1), dtype=x.dtype)
    _k.fused((x,), (active, mean), ())
    _kept.append(mean)
    return active
