"""Does again, on proxies, what a traced pattern says that it did, and compares. The trace comes from a process that ran
the candidate's code and could have been made up; after this check a made-up trace says nothing that an honest `pattern`
could not have said as well (docs/integrity.md, layer 2): a call in a form that the tracer never writes, a function that
it cannot record, a node without any traced argument.

Threads: pure functions. Errors: none; whatever a call raises is a difference.
"""

from typing import Any

import torch
import torch.fx
from torch.fx import Node

from . import tracer as tracing


def first_difference(pattern: torch.fx.Graph) -> Node | None:
    """The first node of the pattern that a trace of the same calls would not hold. The pattern's functions are those
    of the trusted graph (match.py looks them up there)."""
    tracer = tracing.PatternTracer()
    tracer.root = torch.nn.Module()
    tracer.graph = torch.fx.Graph(tracer_cls=tracing.PatternTracer)
    again: dict[Node, torch.fx.Proxy] = {}
    for node in pattern.nodes:
        if node.op == "output":
            continue
        if node.op == "placeholder":
            again[node] = tracer.create_proxy("placeholder", str(node.target), (), {})
            continue
        before = len(tracer.graph.nodes)
        made = _called(node, again)
        if made is None or len(tracer.graph.nodes) != before + 1 or not _same_call(node, made.node, again):
            return node
        again[node] = made
    return None


def _called(node: Node, again: dict[Node, torch.fx.Proxy]) -> torch.fx.Proxy | None:
    if not node.all_input_nodes:
        return None  # nothing traced goes in, so the tracer would not have seen the call
    args = torch.fx.node.map_arg(node.args, again.__getitem__)
    kwargs = torch.fx.node.map_arg(node.kwargs, again.__getitem__)
    try:
        if node.op == "call_method":
            made = getattr(args[0], node.target)(*args[1:], **kwargs)
        else:
            made = node.target(*args, **kwargs)
        if not isinstance(made, torch.fx.Proxy):
            return None
        _ = made.node  # an attribute's node is made when it is asked for
        return made
    except Exception:  # whatever torch raises for arguments that it cannot take
        return None


def _same_call(node: Node, made: Node, again: dict[Node, torch.fx.Proxy]) -> bool:
    return node.op == made.op and node.target == made.target and _same(node.args, made.args, again) \
        and _same(dict(node.kwargs), dict(made.kwargs), again)


def _same(said: Any, done: Any, again: dict[Node, torch.fx.Proxy]) -> bool:
    if isinstance(said, Node):
        return isinstance(done, Node) and again[said].node is done
    if isinstance(said, (tuple, list)):
        return isinstance(done, (tuple, list)) and isinstance(said, tuple) == isinstance(done, tuple) \
            and len(said) == len(done) and all(_same(one, other, again) for one, other in zip(said, done))
    if isinstance(said, dict):
        return isinstance(done, dict) and list(said) == list(done) \
            and all(_same(said[key], done[key], again) for key in said)
    if isinstance(said, slice):
        return isinstance(done, slice) and _same((said.start, said.stop, said.step),
                                                 (done.start, done.stop, done.step), again)
    return type(said) is type(done) and (said == done or said != said)  # a NaN is only unlike itself
