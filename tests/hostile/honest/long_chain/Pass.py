# row: honest
# task: long_chain
# tries: seventy-two operators in one loop: fast enough for its launches to be made again alone (layer 10)
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, bias):
    y = torch.abs(x * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    y = torch.abs(y * 0.75 + bias)
    return torch.abs(y * 0.75 + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _k.fused((x, bias), (out,), ())
    return out


def replacement_func():
    return fused
