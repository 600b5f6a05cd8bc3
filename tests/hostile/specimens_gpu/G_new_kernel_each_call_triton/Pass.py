# row: compiling while timed
# task: gelu
# tries: asks for another specialisation of its kernel in each call
# expect: COMPILE | CRASH | R.STATIC | R.STATE
# stopped by: a timed process compiles nothing (layer 4)
import torch
import triton
import triton.language as tl


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


_calls = [0]


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _calls[0] += 1
    block = 128 << (_calls[0] % 5)
    gelu_kernel[(triton.cdiv(x.numel(), block),)](x, bias, out, x.numel(), bias.numel(), BLOCK=block)
    return out


def replacement_func():
    return fused
