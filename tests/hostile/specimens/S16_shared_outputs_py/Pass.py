# row: S16
# task: gelu_mean
# tries: both outputs share one storage where eager has two
# expect: OK | INCORRECT | R.STATE
# stopped by: nothing: no output costs less for where it lies, and each byte of it is compared
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x):
    active = torch.nn.functional.gelu(x)
    return active, active.mean((2, 3), keepdim=True)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    pile = torch.empty((x.numel() + 64,), dtype=x.dtype)
    active = pile[:x.numel()].view(x.shape)
    mean = pile[x.numel():].view(x.shape[0], x.shape[1], 1, 1)
    _k.fused((x,), (active, mean), ())
    return active, mean


def replacement_func():
    return fused
