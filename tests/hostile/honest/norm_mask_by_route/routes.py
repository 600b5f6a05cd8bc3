import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


@torch.fx.wrap
def run_route(*args):
    route = args[-1]
    if route == "norm_mask":
        x, weight, bias, mask = args[:-1]
        out = torch.empty_like(x)
        _k.norm_mask((x, weight, bias, mask), (out,), (1e-05,))
        return out
    raise NotImplementedError(route)
