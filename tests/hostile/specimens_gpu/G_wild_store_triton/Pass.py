# row: device fault
# task: gelu
# tries: writes where no memory is
# expect: CRASH | INCORRECT
# stopped by: the driver ends its context: the error's name is the reason (layer 3)
import torch
import triton
import triton.language as tl


@triton.jit
def wild_kernel(out_ptr, far):
    tl.store(out_ptr + far, 1.0)


@triton.jit
def gelu_kernel(x_ptr, bias_ptr, out_ptr, count, width, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    value = tl.load(x_ptr + at, mask=inside, other=0.0) + tl.load(bias_ptr + at % width, mask=inside, other=0.0)
    tl.store(out_ptr + at, value * 0.5 * (1.0 + tl.erf(value * 0.7071067811865476)), mask=inside)


def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    gelu_kernel[(triton.cdiv(x.numel(), 1024),)](x, bias, out, x.numel(), bias.numel(), BLOCK=1024)
    wild_kernel[(1,)](out, 1 << 44)
    return out


def replacement_func():
    return fused
