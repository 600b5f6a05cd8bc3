"""How a pattern is traced: torch.fx's tracer as upstream uses it, with calls written all positional. One place for the
trace child, which runs patterns, and for the matcher, which does again what a trace says (replay.py).

Threads: pure functions; a tracer serves one trace.
"""

from typing import Callable

import torch.fx

from . import signature


class _AugmentedProxy(torch.fx.Proxy):
    """Records `x += y` as what it is; the matcher writes it as upstream's tracer does, or keeps it when both sides
    are normalised."""


def _augmented(target: Callable) -> Callable:
    def record(self, other):
        return self.tracer.create_proxy("call_function", target, (self, other), {})

    return record


for _target in signature.PLAIN_OPERATOR:
    setattr(_AugmentedProxy, f"__{_target.__name__}__", _augmented(_target))


class PatternTracer(torch.fx.Tracer):
    def proxy(self, node: torch.fx.Node) -> torch.fx.Proxy:
        return _AugmentedProxy(node, self)

    def create_node(self, kind, target, args, kwargs, name=None, type_expr=None):
        if kind == "call_function":
            bound = signature.bound_positional(target, args, kwargs)
            if bound is not None:
                args, kwargs = bound, {}
        return super().create_node(kind, target, args, kwargs, name, type_expr)
