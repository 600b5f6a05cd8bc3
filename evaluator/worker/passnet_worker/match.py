"""Matches a candidate's traced patterns against a captured graph and rewrites the graph by the resulting plan.

match_candidate() is trusted code on hostile data: it runs in a throw-away child of the task child, and its work is
bounded by counts. Targets of a pattern are looked up by name among the targets of the trusted graph and nowhere else;
what the pattern does with them is done again here, on proxies (replay.py), so that a trace which no pattern can give
matches nothing. The matcher is torch.fx's, with the settings that upstream uses; passes are applied in order, each on
what the earlier ones left, as upstream does. apply_plan() repeats the rewrites by name in the process that calls the
candidate's function.

A pattern that returns several nodes is replaced by one call whose result is taken apart by getitem. Upstream refuses
that (its replacement is one opaque node, so its own count of returned values differs): such passes are listed in
`upstream_refuses`.

Threads: single-threaded. Errors: MalformedTrace for bytes that no honest trace child sends; PlanError when a plan does
not fit the graph. Everything a candidate can do wrong is a reason in the result.
"""

import contextlib
import inspect
import operator
import re
import sys
from typing import Any, Callable, Iterator

import torch
import torch.fx

from . import align, encoding, matcher, replay, signature

MATCHINGS = ("upstream", "normalised")
MAX_PASSES = 100
MAX_ALL_NODES = 20_000  # of all patterns together; the largest honest candidate seen has 2,000
MAX_REASON = 2048
CUDA_NAME = re.compile(r"cuda(:\d+)?")


class MalformedTrace(Exception):
    """The trace child's answer has not the form that trace.py writes."""


class PlanError(Exception):
    """A plan that does not fit this graph."""


class PatternError(Exception):
    """This pattern cannot match this graph; `node` is the pattern's node that shows it, where there is one."""

    def __init__(self, what: str, node: str | None = None):
        super().__init__(what)
        self.node = node


def match_candidate(gm: torch.fx.GraphModule, traced: dict, matching: str = "upstream") -> dict:
    """The plan: {"rewrites": [{"pass", "matched", "args", "outputs", "result", "before"}], "matched_nodes",
    "total_nodes", "coverage", "passes": [{"name", "matches", "reason", "mismatch"}], "first_mismatch",
    "upstream_refuses"}. first_mismatch is None when anything matched."""
    if matching not in MATCHINGS:
        raise ValueError(f"matching is one of {', '.join(MATCHINGS)}, got {matching}")
    passes = _checked_passes(traced)
    work = Workplace(gm, matching)
    budget = matcher.Budget()
    plan: dict[str, Any] = {"rewrites": [], "passes": [], "upstream_refuses": []}
    with recursion_limit(len(work.graph.nodes) + max((len(item["nodes"]) for item in passes), default=0)):
        for item in passes:
            plan["passes"].append(_run_pass(work, item, matching, plan, budget))
    _summarise(plan, work)
    return plan


def _checked_passes(traced: dict) -> list[dict]:
    passes = traced.get("passes") if isinstance(traced, dict) else None
    if not isinstance(passes, list) or len(passes) > MAX_PASSES:
        raise MalformedTrace(f"passes is no list of at most {MAX_PASSES}")
    for item in passes:
        fields = {"name": str, "placeholders": list, "nodes": list, "replacement_args": list}
        if not isinstance(item, dict) or any(not isinstance(item.get(key), kind) for key, kind in fields.items()):
            raise MalformedTrace("a pass lacks name, placeholders, nodes or replacement_args")
        if len(item["nodes"]) > encoding.MAX_NODES or len(item["placeholders"]) > encoding.MAX_NODES:
            raise MalformedTrace(f"a pattern has more than {encoding.MAX_NODES} nodes")
    if sum(len(item["nodes"]) + len(item["placeholders"]) for item in passes) > MAX_ALL_NODES:
        raise MalformedTrace(f"the patterns have more than {MAX_ALL_NODES} nodes together")
    if len({item["name"] for item in passes}) != len(passes):
        raise MalformedTrace("two passes have one name")
    return passes


def _run_pass(work: "Workplace", item: dict, matching: str, plan: dict, budget: matcher.Budget) -> dict:
    report: dict[str, Any] = {"name": item["name"], "matches": 0, "reason": None, "mismatch": None}
    try:
        pattern = build_pattern(item, work, matching)
        matches = _find_matches(work, pattern, budget)
        rewrites, skipped = _apply_matches(work, item, pattern, matches, len(plan["rewrites"]))
    except PatternError as error:
        report["reason"] = str(error)[:MAX_REASON]
        report["mismatch"] = _mismatch(item["name"], error.node, None, 0, report["reason"])
        return report
    except RecursionError:
        report["reason"] = "the pattern is too deep for the matcher (RecursionError)"
        return report
    plan["rewrites"] += rewrites
    report["matches"] = len(rewrites)
    if rewrites:
        if len(rewrites[0]["outputs"]) > 1:
            plan["upstream_refuses"].append(item["name"])
    else:
        report["reason"] = skipped
        failure = align.longest_alignment(pattern, work.graph)
        if failure is not None:
            graph_node = work.labels.get(failure.graph_node) if failure.graph_node is not None else None
            report["mismatch"] = _mismatch(item["name"], failure.pattern_node.name, graph_node, failure.aligned,
                                           failure.what)
    return report


def _find_matches(work: "Workplace", pattern: torch.fx.Graph, budget: matcher.Budget) -> list:
    try:
        return matcher.find_matches(pattern, work.graph, budget)
    except matcher.OutOfSteps:
        returned = len(next(iter(reversed(pattern.nodes))).all_input_nodes)
        raise PatternError(f"the search for it was given up after {matcher.MAX_STEPS} steps for all passes (this pattern "
                           f"returns {returned} values, which can be told apart in too many ways): return fewer "
                           "values, or split the pattern") from None


def _mismatch(name: str, pattern_node: str | None, graph_node: str | None, aligned: int, what: str) -> dict:
    return {"pass": name, "pattern_node": pattern_node, "graph_node": graph_node, "aligned": aligned,
            "what": what[:MAX_REASON]}


def _summarise(plan: dict, work: "Workplace") -> None:
    matched = sum(1 for rewrite in plan["rewrites"] for label in rewrite["matched"] if label in work.original)
    plan["matched_nodes"] = matched
    plan["total_nodes"] = len(work.original)
    plan["coverage"] = matched / len(work.original) if work.original else 0.0
    mismatches = [report["mismatch"] for report in plan["passes"] if report["mismatch"] is not None]
    plan["first_mismatch"] = None
    if not plan["rewrites"] and mismatches:
        plan["first_mismatch"] = max(mismatches, key=lambda item: item["aligned"])


class Workplace:
    """A working copy of the graph, each node with the label under which a plan names it."""

    def __init__(self, gm: torch.fx.GraphModule, matching: str):
        self.graph = torch.fx.Graph()
        copies: dict[torch.fx.Node, torch.fx.Node] = {}
        self.graph.output(self.graph.graph_copy(gm.graph, copies))
        self.graph.owning_module = gm
        self.labels = {copied: node.name for node, copied in copies.items()}
        self.labels[next(iter(reversed(self.graph.nodes)))] = next(iter(reversed(gm.graph.nodes))).name
        self.targets = _target_names(gm.graph)
        self.methods = {node.target for node in gm.graph.nodes if node.op == "call_method"}
        self.original = {node.name for node in gm.graph.nodes if node.op not in ("placeholder", "output")}
        self.on_cpu = all(_device(node) in (None, "cpu") for node in gm.graph.nodes if node.op == "placeholder")
        if matching == "normalised":
            normalise(self.graph)


def _device(node: torch.fx.Node) -> str | None:
    value = node.meta.get("example_value")
    return value.device.type if isinstance(value, torch.Tensor) else None


def _target_names(graph: torch.fx.Graph) -> dict[str, Callable | None]:
    """Names of the graph's own functions; None where two functions share a name."""
    names: dict[str, Callable | None] = {}
    for node in graph.nodes:
        if node.op == "call_function":
            try:
                name = encoding.qualified_name(node.target)
            except encoding.Unencodable:
                continue
            names[name] = node.target if names.get(name, node.target) is node.target else None
    return names


def normalise(graph: torch.fx.Graph) -> None:
    """Writes every call of the graph as the tracer of patterns writes its own."""
    for node in graph.nodes:
        if node.op == "call_function":
            bound = signature.bound_positional(node.target, node.args, node.kwargs)
            if bound is not None:
                node.args, node.kwargs = bound, {}


@contextlib.contextmanager
def recursion_limit(nodes: int) -> Iterator[None]:
    """The matcher recurses twice a node of a chain. Python 3.11 keeps the frames of Python functions on the heap, so
    that a high limit cannot overflow the C stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 8 * min(nodes, 2 * encoding.MAX_NODES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


PLAIN_NAMES = {encoding.qualified_name(augmented): encoding.qualified_name(plain)
               for augmented, plain in signature.PLAIN_OPERATOR.items()}


def build_pattern(item: dict, work: Workplace, matching: str) -> torch.fx.Graph:
    """The pattern as a graph whose targets are the trusted graph's. Raises PatternError where it cannot match, and
    MalformedTrace."""
    graph = torch.fx.Graph()
    nodes: dict[str, torch.fx.Node] = {}

    def value(data: Any) -> Any:
        return _on_this_device(encoding.decode(data, lambda tag, name: _known_node(nodes, tag, name)), work.on_cpu)

    try:
        for name in item["placeholders"]:
            nodes[name] = graph.create_node("placeholder", str(name), name=str(name))
        for node in item["nodes"]:
            target = _resolve(node, work, matching)
            args = tuple(value(argument) for argument in node["args"])
            kwargs = {str(key): value(argument) for key, argument in node["kwargs"].items()}
            nodes[node["name"]] = graph.create_node(node["op"], target, args, kwargs, name=str(node["name"]))
        graph.output(value(item["output"]))
    except (KeyError, TypeError, AttributeError, encoding.Malformed) as error:
        raise MalformedTrace(f"pass {item['name'][:100]}: {error!r}"[:MAX_REASON]) from None
    _check_pattern(graph)
    wrong = replay.first_difference(graph)
    if wrong is not None:
        raise PatternError(f"{wrong.name}: no pattern function gives this node in this form when it is traced",
                           wrong.name)
    return graph


def _known_node(nodes: dict[str, torch.fx.Node], tag: str, name: Any) -> torch.fx.Node:
    if tag != "node" or not isinstance(name, str) or name not in nodes:
        raise encoding.Malformed(f"{tag[:40]} {str(name)[:80]!r} is unknown here")
    return nodes[name]


def _on_this_device(value: Any, on_cpu: bool) -> Any:
    """Device literals of a task say cuda; on a CPU lane model.py's were mapped, and so must the pattern's be."""
    if not on_cpu:
        return value
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("cpu")
    if isinstance(value, str) and CUDA_NAME.fullmatch(value):
        return "cpu"
    return value


def _resolve(node: dict, work: Workplace, matching: str) -> Any:
    op, name, label = node["op"], node["target"], node["name"]
    if op == "call_method":
        if name not in work.methods:
            raise PatternError(f"{label}: the pattern calls the method .{name}(), the graph never does", label)
        return name
    if op == "get_attr":
        raise PatternError(f"{label}: the pattern holds a constant tensor (a factory such as arange or zeros without "
                           "tensor arguments becomes one when traced), which nothing in a graph equals", label)
    if op != "call_function":
        raise PatternError(f"{label}: {str(op)[:40]} nodes cannot match", label)
    if matching == "upstream":
        name = PLAIN_NAMES.get(name, name)
    elif name not in work.targets:
        # Python functions of torch.nn.functional that Dynamo records as the builtin they stand for (pad).
        name = name.replace("torch.nn.functional.", "torch._C._nn.")
    if name not in work.targets:
        raise PatternError(f"{label}: the pattern calls {name}, the graph never does{_lookalikes(name, work)}", label)
    if work.targets[name] is None:
        raise PatternError(f"{label}: {name} names two different functions of the graph", label)
    return work.targets[name]


def _lookalikes(name: str, work: Workplace) -> str:
    short = name.rsplit(".", 1)[-1].rstrip("_")
    alike = [known for known in work.targets if known.rsplit(".", 1)[-1].rstrip("_") in (short, "i" + short)]
    alike += [f"the method .{method}()" for method in work.methods if method.rstrip("_") == short]
    return f" (it has {', '.join(sorted(alike)[:4])})" if alike else ""


def _check_pattern(graph: torch.fx.Graph) -> None:
    *body, output = graph.nodes
    returned = output.args[0] if isinstance(output.args[0], (tuple, list)) else (output.args[0],)
    if not returned or not all(isinstance(node, torch.fx.Node) for node in returned):
        raise PatternError("the pattern returns something that is no value of its graph")
    for node in returned:
        if node.op == "placeholder":
            raise PatternError(f"the pattern returns its own argument {node.name}", node.name)
    if len(set(returned)) != len(returned):
        raise PatternError("the pattern returns a value twice")
    for node in body:
        if not node.users:
            what = "argument" if node.op == "placeholder" else "value"
            raise PatternError(f"{what} {node.name} of the pattern is unused (dead code cannot be matched)", node.name)


def _apply_matches(work: Workplace, item: dict, pattern: torch.fx.Graph, matches: list,
                   first: int) -> tuple[list[dict], str | None]:
    """Rewrites every match in the working copy. Returns the rewrites, and why the last skipped match was skipped."""
    rewrites: list[dict] = []
    skipped = None
    replaced: dict[torch.fx.Node, torch.fx.Node] = {}
    for match in matches:
        try:
            rewrite = _plan_rewrite(work, item, pattern, match, replaced, first + len(rewrites))
        except PatternError as error:
            skipped = str(error)
            continue
        by_label = {label: node for node, label in work.labels.items()}
        originals = [by_label[label] for label in rewrite["outputs"]]
        created = splice(work.graph, by_label, rewrite, _candidate_call)
        replaced.update(zip(originals, created[-len(originals):]))
        work.labels = {node: label for label, node in by_label.items()}
        rewrites.append(rewrite)
    return rewrites, skipped


def _candidate_call(*args: Any) -> Any:
    """Stands for the candidate's function in the working copy."""
    raise PlanError("the working copy of a graph is never run")


def _plan_rewrite(work: Workplace, item: dict, pattern: torch.fx.Graph, match: Any, replaced: dict,
                  number: int) -> dict:
    order = {node: position for position, node in enumerate(work.graph.nodes)}
    matched = [gn for pn, gn in match.nodes_map.items() if pn.op not in ("placeholder", "output")]
    matched.sort(key=order.__getitem__)
    bound = [torch.fx.node.map_arg(value, lambda node: replaced.get(node, node)) for value in match.placeholder_nodes]

    def argument(tag: str, position: Any) -> Any:
        if tag != "placeholder" or not isinstance(position, int) or not 0 <= position < len(bound):
            raise MalformedTrace(f"replacement_args names {tag[:40]} {str(position)[:40]}")
        return bound[position]

    try:
        args = [encoding.decode_argument(data, argument) for data in item["replacement_args"]]
    except encoding.Malformed as error:
        raise MalformedTrace(str(error)) from None
    before = _insert_point(work.graph, order, match.returning_nodes, set(matched))
    _check_order(args, order, before)
    try:
        encoded = [encoding.encode_argument(value, lambda value: _node_leaf(work, value)) for value in args]
    except encoding.Unencodable as error:
        raise PatternError(f"an argument of the replacement is {error}") from None
    return {"pass": item["name"], "matched": [work.labels[node] for node in matched], "args": encoded,
            "outputs": [work.labels[node] for node in match.returning_nodes], "result": f"passnet_call_{number}",
            "before": work.labels[before]}


def _node_leaf(work: Workplace, value: Any) -> dict | None:
    return {"node": work.labels[value]} if isinstance(value, torch.fx.Node) else None


def _insert_point(graph: torch.fx.Graph, order: dict, returning: list, matched: set) -> torch.fx.Node:
    """Where upstream inserts: before the first user of a returned node; without users, after the last of them."""
    users = [user for node in returning for user in node.users if user not in matched]
    if users:
        return min(users, key=order.__getitem__)
    return max(returning, key=order.__getitem__).next


def _check_order(args: list, order: dict, before: torch.fx.Node) -> None:
    used: list[torch.fx.Node] = []
    torch.fx.node.map_arg(args, used.append)
    for node in used:
        if order[node] >= order[before]:
            raise PatternError(f"the replacement would need {node.name} before it is computed")


def splice(graph: torch.fx.Graph, by_label: dict[str, torch.fx.Node], rewrite: dict,
           target: Callable) -> list[torch.fx.Node]:
    """Puts one call of `target` in place of the matched nodes and keeps by_label up to date. Returns the new nodes."""
    args = tuple(encoding.decode_argument(data, lambda tag, label: _labelled(by_label, tag, label))
                 for data in rewrite["args"])
    outputs = [_labelled(by_label, "node", label) for label in rewrite["outputs"]]
    with graph.inserting_before(_labelled(by_label, "node", rewrite["before"])):
        call = graph.call_function(target, args)
        created = [call]
        if len(outputs) > 1:
            created += [graph.call_function(operator.getitem, (call, index)) for index in range(len(outputs))]
    names = [rewrite["result"]] + [f"{rewrite['result']}_{index}" for index in range(len(created) - 1)]
    for node, replacement in zip(outputs, created[-len(outputs):]):
        replacement.meta.update(node.meta)
        node.replace_all_uses_with(replacement)
    for label in reversed(rewrite["matched"]):
        graph.erase_node(_labelled(by_label, "node", label))
        del by_label[label]
    by_label.update(zip(names, created))
    return created


def _labelled(by_label: dict[str, torch.fx.Node], tag: str, label: Any) -> torch.fx.Node:
    if tag != "node" or label not in by_label:
        raise PlanError(f"the plan names {tag} {str(label)[:80]!r}, which the graph has not")
    return by_label[label]


def apply_plan(gm: torch.fx.GraphModule, plan: dict, wrapper: Callable) -> torch.fx.GraphModule:
    """A copy of `gm` in which every rewrite of the plan calls `wrapper`, a leaf_function() or a native Marked. Nothing
    else is removed or moved."""
    graph = torch.fx.Graph()
    copies: dict[torch.fx.Node, torch.fx.Node] = {}
    graph.output(graph.graph_copy(gm.graph, copies))
    by_label = {node.name: copied for node, copied in copies.items()}
    by_label[next(iter(reversed(gm.graph.nodes))).name] = next(iter(reversed(graph.nodes)))
    for rewrite in plan["rewrites"]:
        splice(graph, by_label, rewrite, wrapper)
    graph.lint()
    return torch.fx.GraphModule(gm, graph)


def leaf_function(wrapper: Callable) -> Callable:
    """The generated code names a function after its __name__: what has none gets a plain function around it."""
    if inspect.isfunction(wrapper) and wrapper.__name__.isidentifier():
        return wrapper

    def passnet_call(*args):
        return wrapper(*args)

    return passnet_call
