"""Why a pattern matched nowhere: the longest partial alignment of pattern and graph, and the first node where it ends.

Follows torch.fx's matcher (from each returned node upwards, arguments in order), but remembers where it stopped, since
neither the matcher nor upstream's diagnostic tells.

Threads: pure functions. Errors: RecursionError on patterns deeper than the recursion limit.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import torch.fx
from torch.fx import Node

from . import capture

MAX_LITERAL = 120
MAX_VISITS = 50_000  # chosen: about half a second; a diagnostic is not worth more


@dataclass
class Failure:
    """`aligned`: how many of the pattern's operations had lined up before."""

    pattern_node: Node
    graph_node: Node | None
    what: str
    aligned: int


class _Stop(Exception):
    def __init__(self, pattern_node: Node, graph_node: Node | None, what: str):
        super().__init__(what)
        self.pattern_node = pattern_node
        self.graph_node = graph_node


def longest_alignment(pattern: torch.fx.Graph, graph: torch.fx.Graph) -> Failure | None:
    """None when every attempt lined up completely (then something else kept the match from being used)."""
    output = next(iter(reversed(pattern.nodes)))
    best: Failure | None = None
    visits = 0
    for anchor in output.all_input_nodes:
        for candidate in _same_calls(anchor, graph):
            mapping = _Mapping()
            failure = _attempt(anchor, candidate, output.all_input_nodes, mapping)
            if failure is not None and (best is None or failure.aligned > best.aligned):
                best = failure
            visits += len(mapping.values)
            if visits > MAX_VISITS:
                return best
    return best


class _Mapping:
    """What each node of the pattern stands for, and the graph's nodes that are taken."""

    def __init__(self) -> None:
        self.values: dict[Node, Any] = {}
        self.taken: set[Node] = set()


def _same_calls(anchor: Node, graph: torch.fx.Graph) -> list[Node]:
    return [node for node in graph.nodes if node.op == anchor.op and node.target == anchor.target]


def _attempt(anchor: Node, candidate: Node, returning: list[Node], mapping: _Mapping) -> Failure | None:
    try:
        _align(anchor, candidate, mapping)
        _check_contained(mapping.values, returning)
    except _Stop as stop:
        aligned = sum(1 for node in mapping.values if node.op != "placeholder" and node is not stop.pattern_node)
        return Failure(stop.pattern_node, stop.graph_node, str(stop), aligned)
    return None


def _align(pattern: Node, graph: Node, mapping: _Mapping) -> None:
    if pattern in mapping.values:
        if mapping.values[pattern] is not graph:
            raise _Stop(pattern, graph, f"{pattern.name} stands for {_shown(mapping.values[pattern])} in one place and "
                                        f"for {graph.name} in another")
        return
    if graph in mapping.taken:
        other = next(node for node, value in mapping.values.items() if value is graph)
        raise _Stop(pattern, graph, f"{pattern.name} and {other.name} of the pattern both stand for {graph.name}: the "
                                    "matcher wants one name for one value")
    if pattern.op == "placeholder":
        mapping.values[pattern] = graph
        mapping.taken.add(graph)
        return
    if pattern.op != graph.op or pattern.target != graph.target:
        raise _Stop(pattern, graph, f"{pattern.name}: {_called(pattern)} in the pattern, {_called(graph)} in the graph "
                                    f"({graph.name})")
    _check_form(pattern, graph)
    mapping.values[pattern] = graph
    mapping.taken.add(graph)
    for position, (left, right) in enumerate(zip(pattern.args, graph.args)):
        _align_values(pattern, graph, left, right, position, mapping)
    for key, left in pattern.kwargs.items():
        _align_values(pattern, graph, left, graph.kwargs[key], key, mapping)


def _called(node: Node) -> str:
    if node.op == "placeholder":
        return "an input"
    return f".{node.target}()" if node.op == "call_method" else capture.target_name(node)


def _short(node: Node) -> str:
    return capture.target_name(node).rsplit(".", 1)[-1]


def _check_form(pattern: Node, graph: Node) -> None:
    if len(pattern.args) == len(graph.args) and list(pattern.kwargs) == list(graph.kwargs):
        return
    reason = capture.unmatchable_reason(graph)
    if reason is not None:
        raise _Stop(pattern, graph, f"{_short(pattern)}: {graph.name} of the graph is {reason}; no pattern can "
                                    "contain this node")
    raise _Stop(pattern, graph, f"{_short(pattern)}: {_form(pattern)} in the pattern, {_form(graph)} in the graph")


def _form(node: Node) -> str:
    keywords = f" and keywords {', '.join(node.kwargs)}" if node.kwargs else ""
    return f"{len(node.args)} positional arguments{keywords}"


def _argument_name(node: Node, position: int | str) -> str:
    if isinstance(position, str):
        return position
    if node.op == "call_function":
        try:
            return list(inspect.signature(node.target).parameters)[position]
        except (ValueError, TypeError, IndexError):
            pass
    return f"argument {position}"


def _align_values(pattern: Node, graph: Node, left: Any, right: Any, position: int | str, mapping: _Mapping) -> None:
    if isinstance(left, Node) and isinstance(right, Node):
        _align(left, right, mapping)
    elif isinstance(left, (tuple, list)) and isinstance(right, (tuple, list)):
        if len(left) != len(right):
            _differ(pattern, graph, left, right, position)
        for one, other in zip(left, right):
            _align_values(pattern, graph, one, other, position, mapping)
    elif isinstance(left, Node) and left.op == "placeholder":
        _bind(left, right, mapping)
    elif isinstance(left, Node) or isinstance(right, Node) or type(left) is not type(right) or left != right:
        _differ(pattern, graph, left, right, position)


def _bind(placeholder: Node, value: Any, mapping: _Mapping) -> None:
    if placeholder in mapping.values and mapping.values[placeholder] != value:
        raise _Stop(placeholder, None, f"{placeholder.name} stands for {_shown(mapping.values[placeholder])} in one "
                                       f"place and for {_shown(value)} in another")
    mapping.values[placeholder] = value


def _differ(pattern: Node, graph: Node, left: Any, right: Any, position: int | str) -> None:
    name = _argument_name(pattern, position)
    raise _Stop(pattern, graph, f"{_short(pattern)}: {name} {_shown(left)} in the pattern, "
                                f"{_shown(right)} in the graph")


def _shown(value: Any) -> str:
    if isinstance(value, Node):
        return f"{value.name}"
    text = repr(value)
    return text if len(text) <= MAX_LITERAL else text[:MAX_LITERAL] + "…"


def _check_contained(mapping: dict[Node, Any], returning: list[Node]) -> None:
    inner = {graph: pattern for pattern, graph in mapping.items() if pattern.op != "placeholder"}
    for graph, pattern in inner.items():
        if pattern in returning:
            continue
        outside = next((user for user in graph.users if user not in inner), None)
        if outside is not None:
            raise _Stop(pattern, graph, f"{pattern.name}: {graph.name} of the graph is also used by {outside.name}, "
                                        "which the pattern does not contain: return the value from the pattern or "
                                        "end the pattern before it")
