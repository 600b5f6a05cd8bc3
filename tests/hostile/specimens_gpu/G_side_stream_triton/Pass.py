# row: side stream
# task: gelu
# tries: computes on a stream of its own behind a long kernel, and answers at once
# expect: INCORRECT | R.STATE | R.STATIC
# stopped by: the screen; else the wait for the context, inside the clock, makes it late and right
import torch
import triton
import triton.language as tl


@triton.jit
def rest_kernel(out_ptr, rounds):
    value = tl.load(out_ptr)
    for i in range(rounds):
        value = value * 1.0001 + 0.5
    tl.store(out_ptr, value)


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
    rest = torch.empty(1, dtype=torch.float32, device=x.device)
    with torch.cuda.stream(torch.cuda.Stream()):
        rest_kernel[(1,)](rest, 50_000_000)
        gelu_kernel[(triton.cdiv(x.numel(), 1024),)](x, bias, out, x.numel(), bias.numel(), BLOCK=1024)
    return out


def replacement_func():
    return fused
