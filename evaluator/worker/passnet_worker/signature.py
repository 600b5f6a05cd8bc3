"""How PassNet's pattern tracer writes a call: every argument positional, defaults filled in, wherever inspect.signature
can bind it. Dynamo writes calls as model.py has them, so a node whose recorded form differs from the bound one can
never match a pattern.

Threads: pure functions.
"""

import inspect
import operator
from typing import Any, Callable

# `x += y` in a pattern: Proxy has no in-place operators, so Python falls back to the plain ones.
PLAIN_OPERATOR = {
    operator.iadd: operator.add, operator.isub: operator.sub, operator.imul: operator.mul,
    operator.itruediv: operator.truediv, operator.ifloordiv: operator.floordiv, operator.imod: operator.mod,
    operator.ipow: operator.pow, operator.imatmul: operator.matmul, operator.iand: operator.and_,
    operator.ior: operator.or_, operator.ixor: operator.xor, operator.ilshift: operator.lshift,
    operator.irshift: operator.rshift,
}


def bound_positional(target: Callable, args: tuple, kwargs: dict) -> tuple | None:
    """The call's arguments as the tracer writes them, or None where the signature is unknown or does not bind.

    Keyword-only arguments are dropped: the original does so, and a pattern with one matches only what the original
    would have matched.
    """
    try:
        bound = inspect.signature(target).bind(*args, **kwargs)
    except (ValueError, TypeError):
        return None
    bound.apply_defaults()
    return bound.args


def same_call(target: Callable, args: tuple, kwargs: dict) -> bool:
    """Whether the tracer would leave the recorded call as it is."""
    bound = bound_positional(target, args, kwargs)
    return bound is None or (not kwargs and _same(bound, tuple(args)))


def _same(left: Any, right: Any) -> bool:
    return len(left) == len(right) and all(a is b or (type(a) is type(b) and a == b) for a, b in zip(left, right))
