# row: H13
# task: gelu
# tries: a Triton configuration with a hook that runs before every launch
# expect: R.STATIC
# unscreened: UNSUPPORTED | COMPILE
# stopped by: a screen of names; Triton passes are not run on a CPU
import torch
import triton
import triton.language as tl



def pattern(x, bias):
    return torch.nn.functional.gelu(x + bias)


def replacement_args(x, bias):
    return (x, bias)


@triton.autotune(configs=[triton.Config({"BLOCK": 1024}, pre_hook=lambda args: args.clear())], key=["n"])
@triton.jit
def _gelu(x, bias, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    v = tl.load(x + at) + tl.load(bias + at % 512)
    tl.store(out + at, 0.5 * v * (1 + tl.erf(v * 0.70710678)))


@torch.fx.wrap
def fused(x, bias):
    out = torch.empty_like(x)
    _gelu[(32,)](x, bias, out, 32768)
    return out


def replacement_func():
    return fused
