# row: honest
# task: conv_hardswish
# tries: 1x1 convolution as a matrix product + hardswish + flatten, in fp16 and bf16
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, weight, bias):
    conv = torch.conv2d(x, weight, bias, (1, 1), (0, 0), (1, 1), 1)
    return torch.nn.functional.hardswish(conv, False).flatten(1, -1)


def replacement_args(x, weight, bias):
    return (x, weight, bias)


@torch.fx.wrap
def fused(x, weight, bias):
    out = torch.empty((x.shape[0], weight.shape[0] * x.shape[2] * x.shape[3]), dtype=x.dtype)
    _k.fused((x, weight, bias), (out,), ())
    return out


def replacement_func():
    return fused
