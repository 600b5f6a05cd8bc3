"""What the static rules allow and forbid, as data. Sources: docs/integrity.md, section 2 (the letters of rule ids), and
the names that honest passes use upstream.

Threads: immutable.
"""

import functools
import re
import types

MODULES = {
    "torch", "torch.fx", "math", "operator", "itertools", "functools", "typing", "passnet_kernels", "triton",
    "triton.language", "__future__",
}
# Imported for patterns: what is taken from them elsewhere is judged there.
PATTERN_MODULES = {"torch.nn", "torch.nn.functional", "torch.special", "torch.linalg", "torch.fft"}
# Used as a value, a module hides what is taken from it.
MODULE_VALUES = PATTERN_MODULES | {
    "torch", "torch.fx", "torch.cuda", "math", "operator", "itertools", "functools", "typing", "passnet_kernels",
    "triton", "triton.language", "pass_dir",
}
PLAIN_MODULES = {"math", "typing", "operator", "itertools", "functools"}
ROOTS = PLAIN_MODULES | {"torch", "passnet_kernels", "triton", "pass_dir"}

IMPORT_RULES = {
    "threading": "T3.import", "_thread": "T3.import", "multiprocessing": "T3.import", "concurrent": "T3.import",
    "asyncio": "T3.import", "queue": "T3.import", "time": "T5.import", "timeit": "T5.import", "ctypes": "T6.import",
    "cffi": "T6.import", "mmap": "H8.import", "gc": "H7.import", "inspect": "H7.import", "sys": "H7.import",
    "types": "H7.import", "traceback": "H7.import", "weakref": "M8.import",
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
    "get_num_threads", "__version__", "promote_types", "result_type", "can_cast", "get_default_dtype", "is_complex",
    "memory_format", "layout",
}
TORCH_ALLOWED = {"torch"} | {f"torch.{name}" for name in FACTORIES | DTYPES | METADATA}
DTYPE_FIELDS = {"itemsize", "is_floating_point", "is_complex", "is_signed"}

# These modules hold others (typing.sys), read attributes by name (operator.attrgetter), evaluate text
# (typing.get_type_hints) or remember results (functools.lru_cache): only what computes on plain values is meant.
MATH_NAME = re.compile(r"math\.[a-z]\w*")
PLAIN_NAMES = {f"{module}.{name}" for module, names in {
    "typing": "Any Callable Dict Final FrozenSet Generator Hashable Iterable Iterator List Literal Mapping Optional "
              "Sequence Set Tuple Type TypeAlias TYPE_CHECKING Union",
    "operator": "abs add and_ contains countOf eq floordiv ge getitem gt iadd iand ifloordiv ilshift imod imul index "
                "indexOf inv invert ior ipow irshift is_ is_not isub itemgetter itruediv ixor le lshift lt mod mul ne "
                "neg not_ or_ pos pow rshift sub truediv truth xor",
    "itertools": "accumulate chain combinations combinations_with_replacement compress count cycle dropwhile "
                 "filterfalse groupby islice pairwise permutations product repeat starmap takewhile tee zip_longest",
    "functools": "partial reduce",
}.items() for name in names.split()} | {"itertools.chain.from_iterable"}
PLAIN_RULES = {"functools.lru_cache": "M8.memo", "functools.cache": "M8.memo", "functools.cached_property": "M8.memo",
               "operator.attrgetter": "H3.getattr", "operator.methodcaller": "H3.getattr",
               "operator.matmul": "G1.matmul", "operator.imatmul": "G1.matmul"}

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
    _, *parts = name.split(".")
    return name in TORCH_ALLOWED or (len(parts) == 2 and parts[0] in DTYPES and parts[1] in DTYPE_FIELDS)


@functools.cache
def known_attributes() -> frozenset[str]:
    """Of tensors and of Python's own objects: no kernel's function is meant by these where the object is unknown."""
    import torch  # its names; loaded already in a worker

    kinds = (torch.Tensor, torch.UntypedStorage, torch.Size, torch.dtype, object, type, str, bytes, int, float, list, dict,
             set, tuple, types.FunctionType, types.GeneratorType, BaseException, functools.partial, memoryview)
    return frozenset(name for kind in kinds for name in dir(kind))


def torch_rule(name: str) -> str:
    return next((rule for pattern, rule in _TORCH_RULES if pattern.search(name)), "G1.torch-load")


# Even a pattern calls only operations.
NOT_IN_PATTERNS = {"H1.dispatch-escape", "H4.compiler", "H11.file", "T3.thread"}

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
    "triton.language.constexpr", "triton.Config", "triton.cdiv", "triton.next_power_of_2", "enumerate", "zip",
    "reversed", "any", "all", "divmod", "complex", "slice", "torch.promote_types", "torch.result_type",
    "operator.itemgetter",
}
DESCRIPTIONS = {"torch.finfo", "torch.iinfo", "torch.device"}
CONSTANT_METHODS = {"items", "keys", "values", "get", "split", "join", "copy", "index", "count", "lower", "upper",
                    "strip", "replace", "startswith", "endswith", "bit_length"}

FORBIDDEN_BUILTINS = {
    "exec": "H11.builtin", "eval": "H11.builtin", "compile": "H11.builtin", "__import__": "H11.builtin",
    "open": "H11.builtin", "input": "H11.builtin", "breakpoint": "H11.builtin", "help": "H11.builtin",
    "getattr": "H3.getattr", "setattr": "H3.getattr", "delattr": "H3.getattr", "globals": "H7.builtin",
    "locals": "H7.builtin", "vars": "H7.builtin", "dir": "H7.builtin", "memoryview": "H8.builtin",
}

# Exceptions beside these. What is not here makes classes, reads by name or belongs to an interactive session.
BUILTINS = set("""
    False True None NotImplemented Ellipsis abs all any bool bytes callable chr complex dict divmod enumerate filter
    float format frozenset hasattr hash hex id int isinstance issubclass iter len list map max min next oct ord pow
    print range repr reversed round set slice sorted str sum tuple zip
""".split())
# Classes whose pattern with one part matches the value itself.
SELF_MATCHING = {"bool", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"}

# Methods that a graph itself may hold and a pattern therefore repeats.
PATTERN_DUNDERS = {
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__and__", "__or__", "__xor__", "__invert__",
    "__add__", "__radd__", "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__rtruediv__", "__matmul__",
    "__pow__", "__rpow__", "__neg__", "__getitem__", "__mod__", "__floordiv__",
}

# Ways into an object: frames of generators and coroutines, code, tracebacks, and whatever is private.
INSIDES = re.compile(r"_\w*|(gi|cr|ag|tb|co|func)_\w+|f_(back|builtins|code|globals|lasti|lineno|locals|trace\w*)|mro"
                     r"|with_traceback")
# Of a traced value: its place in the tracer, which records and writes the trace.
TRACER_INSIDES = {"node", "tracer", "graph", "create_proxy", "create_node", "owning_module"}

# What honest passes read and call outside pattern: metadata, views, copies, casts and fills of tensors, fields of what
# describes types and devices, and methods of numbers, texts and containers.
VALUE_ATTRIBUTES = set("""
    shape dtype device ndim stride numel nelement size dim element_size itemsize nbytes data_ptr is_contiguous layout
    is_cuda is_cpu is_floating_point is_complex is_signed requires_grad is_leaf storage_offset untyped_storage get_device
    contiguous view reshape permute transpose t T mT H mH adjoint expand expand_as broadcast_to squeeze unsqueeze squeeze_
    unsqueeze_ transpose_ t_ flatten unflatten ravel narrow select chunk split tensor_split hsplit vsplit dsplit unbind
    movedim moveaxis swapaxes swapdims diagonal as_strided unfold view_as reshape_as real imag
    repeat repeat_interleave tile flip detach clone copy_ zero_ fill_ to type type_as cpu cuda float half bfloat16 double int
    long short bool char byte new_empty new_zeros new_ones new_full new_empty_strided new_tensor item tolist
    max min eps tiny smallest_normal resolution bits index is_cpu
    name major minor total_memory multi_processor_count max_threads_per_multi_processor warp_size
    shared_memory_per_block regs_per_multiprocessor L2_cache_size
    append extend insert pop popitem clear copy count remove reverse sort get items keys values setdefault update add
    discard union intersection difference symmetric_difference issubset issuperset isdisjoint fromkeys
    rsplit splitlines join strip lstrip rstrip startswith endswith lower upper title replace find rfind partition
    rpartition zfill ljust rjust center isdigit isalpha isalnum removeprefix removesuffix encode decode format
    bit_length bit_count is_integer as_integer_ratio conjugate numerator denominator hex start stop step args
    from_iterable
""".split())

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
