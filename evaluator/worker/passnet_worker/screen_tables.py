"""What the static rules allow and forbid, as data. Sources: docs/integrity.md, section 2 (the letters of rule ids), and
the names that honest passes use upstream.

Threads: immutable.
"""

import re

MODULES = {
    "torch", "torch.fx", "math", "typing", "passnet_kernels", "triton", "triton.language", "__future__",
}
# Used as a value, a module hides what is taken from it.
MODULE_VALUES = {
    "torch", "torch.fx", "torch.cuda", "math", "typing", "passnet_kernels", "triton", "triton.language", "pass_dir",
}
ROOTS = {"torch", "math", "typing", "passnet_kernels", "triton", "pass_dir"}

IMPORT_RULES = {
    "threading": "T3.import", "_thread": "T3.import", "multiprocessing": "T3.import", "concurrent": "T3.import",
    "asyncio": "T3.import", "queue": "T3.import", "time": "T5.import", "timeit": "T5.import", "ctypes": "T6.import",
    "cffi": "T6.import", "mmap": "H8.import", "gc": "H7.import", "inspect": "H7.import", "sys": "H7.import",
    "types": "H7.import", "traceback": "H7.import", "weakref": "M8.import", "functools": "M8.import",
    "builtins": "H3.import", "importlib": "H10.import", "pass_bench": "H3.import", "passnet_worker": "H3.import",
    "graph_net": "H3.import", "graph_net_bench": "H3.import", "numpy": "G1.import",
}

FACTORIES = {
    "empty", "empty_like", "empty_strided", "zeros", "zeros_like", "ones", "ones_like", "full", "full_like",
    "as_tensor",
}
DTYPES = {
    "float64", "double", "float32", "float", "float16", "half", "bfloat16", "int64", "long", "int32", "int", "int16",
    "short", "int8", "uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128", "float8_e4m3fn",
    "float8_e5m2",
}
METADATA = {
    "device", "dtype", "finfo", "iinfo", "Tensor", "Size", "is_tensor", "is_floating_point", "strided",
    "contiguous_format", "channels_last", "channels_last_3d", "preserve_format", "inf", "nan", "pi", "e", "fx",
    "fx.wrap", "cuda", "cuda.get_device_properties", "cuda.get_device_capability", "cuda.get_device_name",
    "cuda.current_device", "cuda.device", "cuda.device_count", "cuda.is_available",
    "get_num_threads", "__version__",
}
TORCH_ALLOWED = {"torch"} | {f"torch.{name}" for name in FACTORIES | DTYPES | METADATA}
# typing holds sys and functools as attributes: only its public names and math's functions are meant.
PLAIN_MEMBER = re.compile(r"typing(\.[A-Z]\w*)?|math(\.[a-z]\w*)?")

_TORCH_RULES = [
    (re.compile(r"[Ss]tream"), "T1.stream"),
    (re.compile(r"[Gg]raph"), "T10.cuda-graph"),
    (re.compile(r"synchronize|Event|profiler"), "T5.clock"),
    (re.compile(r"backends|set_|inference_mode|no_grad|enable_grad|autocast|use_deterministic"), "H14.global-state"),
    (re.compile(r"_C\b|_mode_utils|_python_dispatch|__torch|overrides|utils"), "H1.dispatch-escape"),
    (re.compile(r"compile|jit|_dynamo|_inductor|export|_functorch|library"), "H4.compiler"),
    (re.compile(r"allclose|isclose|equal\b|testing"), "H6.comparison"),
    (re.compile(r"\bload|\bsave|hub\b|package"), "H11.file"),
    (re.compile(r"multiprocessing|distributed|futures"), "T3.thread"),
]


def torch_allowed(name: str) -> bool:
    """A listed name, or a field of a dtype (torch.float32.itemsize)."""
    return name in TORCH_ALLOWED or (name.count(".") == 2 and name.split(".")[1] in DTYPES)


def torch_rule(name: str) -> str:
    return next((rule for pattern, rule in _TORCH_RULES if pattern.search(name)), "G1.torch-load")


TRITON_ALLOWED = {
    "triton", "triton.jit", "triton.autotune", "triton.heuristics", "triton.Config", "triton.cdiv",
    "triton.next_power_of_2", "triton.language",
}
TL_FORBIDDEN = re.compile(
    r"inline_asm|extern_elementwise|pointer_type|\._|\bdispatch\b"
    r"|\.(core|semantic|sys|os|builtins|functools|inspect|importlib|types|torch)\b")
DECORATORS = {"torch.fx.wrap", "triton.jit", "triton.autotune", "triton.heuristics"}
HOOKS = {"pre_hook", "post_hook", "prune_configs_by", "launch_enter_hook", "launch_exit_hook", "do_bench", "repr"}

CONSTANT_CALLS = {
    "float", "int", "bool", "str", "tuple", "list", "dict", "set", "frozenset", "range", "min", "max", "len", "abs",
    "round", "pow", "sum", "sorted", "passnet_kernels.load", "torch.device", "torch.finfo", "torch.iinfo",
    "triton.language.constexpr", "triton.Config", "triton.cdiv", "triton.next_power_of_2",
}

FORBIDDEN_BUILTINS = {
    "exec": "H11.builtin", "eval": "H11.builtin", "compile": "H11.builtin", "__import__": "H11.builtin",
    "open": "H11.builtin", "input": "H11.builtin", "breakpoint": "H11.builtin", "help": "H11.builtin",
    "getattr": "H3.getattr", "setattr": "H3.getattr", "delattr": "H3.getattr", "globals": "H7.builtin",
    "locals": "H7.builtin", "vars": "H7.builtin", "dir": "H7.builtin", "memoryview": "H8.builtin",
}

# Methods that a graph itself may hold and a pattern therefore repeats.
PATTERN_DUNDERS = {
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__or__", "__xor__", "__invert__",
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__matmul__",
    "__pow__", "__rpow__", "__neg__", "__getitem__", "__mod__", "__floordiv__",
}

# Also fields of other objects (finfo.max): forbidden only where called.
ALSO_FIELDS = {"max", "min"}

# Tensor methods that compute. Views, copies, casts and fills are absent: they are charged to the pass's time.
COMPUTE_METHODS = ALSO_FIELDS | set("""
    abs abs_ absolute acos addbmm addbmm_ addcdiv addcdiv_ addcmul addcmul_ addmm addmm_ addmv addmv_ addr add_ all
    allclose amax amin aminmax any argmax argmin argsort asin atan atan2 baddbmm baddbmm_ bernoulli bernoulli_
    bincount bmm ceil ceil_ chunk_add clamp clamp_ clamp_max clamp_max_ clamp_min clamp_min_ clip clip_ cos cos_ cosh
    cov cross cummax cummin cumprod cumsum cumsum_ deg2rad diff digamma dist div div_ divide divide_ dot einsum eq
    equal erf erf_ erfc erfinv exp exp_ exp2 expm1 floor floor_ floor_divide fmax fmin fmod frac gather ge gelu ger gt
    hardshrink heaviside histc hypot igamma index_add index_add_ index_copy index_fill index_reduce index_select inner
    inverse isclose isfinite isinf isnan kron kthvalue le lerp lerp_ lgamma log log_ log10 log1p log2 logaddexp
    logcumsumexp logdet logical_and logical_not logical_or logical_xor logit logsumexp log_softmax lt masked_fill
    masked_fill_ masked_scatter masked_scatter_ masked_select matmul matrix_exp maximum mean median minimum mm mode
    mul mul_ multinomial multiply multiply_ mv nanmean nansum nan_to_num ne neg neg_ negative norm normal_ outer pow
    pow_ prod put_ quantile reciprocal reciprocal_ relu relu_ remainder renorm roll rot90 rsqrt rsqrt_ scatter
    scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ sigmoid sigmoid_ sign sgn silu sin sin_ sinc sinh
    softmax sqrt sqrt_ square square_ std sub sub_ subtract sum take take_along_dim tan tanh tanh_ tensordot topk tril
    tril_ triu triu_ true_divide trunc uniform_ unique var vdot where xlogy
    as_subclass register_hook backward apply_ map_
""".split())
