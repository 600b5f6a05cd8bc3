"""Captures one graph with Dynamo without ever running it, and describes it.

Runs in a task child on third-party model text that was validated before. The backend hands Dynamo a *hole*: a function
whose body is installed later, in a process forked from this one, so that Dynamo's guards run as upstream and nothing
is traced twice. During the capture the hole returns empty tensors: no input, no weight and no reference output ever
exists in an ancestor of a candidate (torch.empty in a child returned 90 % of the reference output where the ancestor
had run the graph; docs/architecture.md, "Processes").

Threads: single-threaded; Dynamo's configuration is process-wide and is set by capture() for good.
Errors: CaptureError, whose text says what Dynamo could not do.
Source: PassBench's call conventions (eager positionally, compiled by keyword, grad mode untouched, that is enabled).
"""

import inspect
import operator
import sys
import types
from dataclasses import dataclass
from typing import Any, Callable

import torch
import torch._dynamo
import torch._dynamo.guards

from . import signature

# Upstream calls the model with torch's defaults. Grad mode is a global guard: it must be the same in the capture and
# in every child, and inputs never require grad.
GRAD_ENABLED = True
MAX_TEXT = 512
MAX_NODES = 100_000

SHORT_DTYPES = {
    torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16", torch.int64: "i64",
    torch.int32: "i32", torch.int16: "i16", torch.int8: "i8", torch.uint8: "u8", torch.bool: "bool",
}


class CaptureError(Exception):
    """The graph cannot be captured as one piece; the text is for people."""


class Hole:
    """What Dynamo's compiled function calls in place of the captured graph. `calls` counts since install()."""

    def __init__(self) -> None:
        self.calls = 0
        self._graph: Callable = _nothing_installed

    def install(self, graph: Callable) -> None:
        self._graph = graph
        self.calls = 0

    def entry(self) -> Callable:
        """The plain function that Dynamo wraps."""

        def call_installed_graph(*args):
            self.calls += 1
            return self._graph(*args)

        return call_installed_graph


def _nothing_installed(*args):
    raise RuntimeError("no graph is installed in the hole")


@dataclass
class Captured:
    """One graph. `inputs`: for every placeholder of gm, the name of forward's argument that it gets. `outputs`: for
    every output of the model, ("graph", index into gm's outputs) or ("input", argument name); None when the model's
    result is gm's result as it is."""

    gm: torch.fx.GraphModule
    compiled: Callable
    hole: Hole
    names: list[str]
    inputs: list[str]
    outputs: list[tuple[str, Any]] | None


def load_model(source: str, module_name: str) -> torch.nn.Module:
    """Executes model.py's text as a module of that name and makes its GraphModule."""
    module = types.ModuleType(module_name)
    # Dynamo keys its shape history by file name and line: two models under one name would turn sizes symbolic.
    module.__file__ = f"<{module_name}>"
    sys.modules[module_name] = module
    exec(compile(source, module.__file__, "exec"), module.__dict__)
    model_class = module.__dict__.get("GraphModule")
    if not isinstance(model_class, type) or not issubclass(model_class, torch.nn.Module):
        raise CaptureError(f"{module_name}: model.py defines no class GraphModule(torch.nn.Module)")
    return model_class()


def dummy_inputs(metas: list[dict]) -> list[torch.Tensor]:
    """Tensors of the inputs' shapes and dtypes. Floats stay uninitialised, since nothing is computed on them."""
    return [_dummy(list(meta["shape"]), meta["dtype"]) for meta in metas]


def _dummy(shape: list[int], dtype_name: str) -> torch.Tensor:
    dtype = getattr(torch, dtype_name.removeprefix("torch."))
    make = torch.empty if dtype.is_floating_point or dtype.is_complex else torch.zeros
    return make(shape, dtype=dtype)


def argument_names(model: torch.nn.Module) -> list[str]:
    return list(inspect.signature(model.forward).parameters)


def configure_dynamo() -> None:
    """A recompilation would silently run the captured eager graph: it is an error everywhere. The first trace is
    static, as upstream's first one is."""
    config = torch._dynamo.config
    config.error_on_recompile = True
    config.suppress_errors = False
    config.automatic_dynamic_shapes = False
    # Dynamo runs a new guard once for a line of its log, and flushes the caches before, those that the timing core shares
    # among them: a quarter of a capture's time.
    torch._dynamo.guards.profile_guard_manager = lambda *_: 0.0
    torch.set_grad_enabled(GRAD_ENABLED)


def capture(model: torch.nn.Module, inputs: list[torch.Tensor]) -> Captured:
    """Traces `model` once on dummy `inputs` (in forward's order), whose bytes are never read."""
    names = argument_names(model)
    if len(names) != len(inputs):
        raise CaptureError(f"forward takes {len(names)} tensors, the graph describes {len(inputs)}")
    if len({id(tensor) for tensor in inputs}) != len(inputs):
        raise CaptureError("two inputs are one tensor: Dynamo would guard on it")
    configure_dynamo()
    backend = _Backend()
    compiled = torch.compile(model, backend=backend, fullgraph=True)
    named = dict(zip(names, inputs))
    try:
        result = compiled(**named)
    except torch._dynamo.exc.TorchDynamoException as error:
        raise CaptureError(f"Dynamo cannot capture the graph in one piece: {str(error)[:4096]}") from None
    finally:
        # A graph may end with set_grad_enabled(False), which Dynamo replays after the hole.
        torch.set_grad_enabled(GRAD_ENABLED)
    if backend.gm is None:
        raise CaptureError("Dynamo made no graph: forward computes nothing from its inputs")
    captured = Captured(backend.gm, compiled, backend.hole, names, _input_names(backend, named),
                        _output_plan(backend, named, result))
    backend.hole.install(_nothing_installed)
    backend.forget()
    return captured


class _Backend:
    def __init__(self) -> None:
        self.hole = Hole()
        self.gm: torch.fx.GraphModule | None = None
        self.seen: tuple = ()
        self.returned: tuple = ()

    def __call__(self, gm: torch.fx.GraphModule, example_inputs: list) -> Callable:
        if self.gm is not None:
            raise CaptureError("Dynamo split the graph into more than one piece")
        if len(gm.graph.nodes) > MAX_NODES:
            raise CaptureError(f"the graph has {len(gm.graph.nodes)} nodes, limit {MAX_NODES}")
        self.gm = gm
        self.hole.install(self._placeholder_outputs)
        return self.hole.entry()

    def _placeholder_outputs(self, *args) -> tuple:
        self.seen = args
        self.returned = tuple(torch.empty(0) for _ in graph_outputs(self.gm))
        return self.returned

    def forget(self) -> None:
        self.seen = self.returned = ()


def graph_outputs(gm: torch.fx.GraphModule) -> tuple:
    """What gm's output node returns, as a tuple (Dynamo's graphs always return one)."""
    (output,) = gm.graph.find_nodes(op="output")
    value = output.args[0]
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _input_names(backend: _Backend, named: dict[str, torch.Tensor]) -> list[str]:
    names = []
    for position, value in enumerate(backend.seen):
        found = next((name for name, tensor in named.items() if tensor is value), None)
        if found is None:
            raise CaptureError(f"argument {position} of the captured graph is none of forward's tensors")
        names.append(found)
    return names


def _output_plan(backend: _Backend, named: dict[str, torch.Tensor], result: Any) -> list[tuple[str, Any]] | None:
    items = result if isinstance(result, (tuple, list)) else (result,)
    plan = [_origin(backend, named, item) for item in items]
    as_it_is = [("graph", index) for index in range(len(backend.returned))]
    return None if type(result) is tuple and plan == as_it_is else plan


def _origin(backend: _Backend, named: dict[str, torch.Tensor], item: Any) -> tuple[str, Any]:
    for index, tensor in enumerate(backend.returned):
        if tensor is item:
            return ("graph", index)
    for name, tensor in named.items():
        if tensor is item:
            return ("input", name)
    raise CaptureError(f"an output of type {type(item).__name__} comes neither from the graph nor from an input")


def graph_arguments(captured: Captured, named: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    """The captured graph's own arguments, which Dynamo orders by first use."""
    return [named[name] for name in captured.inputs]


def direct_call(captured: Captured, gm: torch.fx.GraphModule, names: list[str]) -> Callable:
    """A function of forward's arguments, positionally in the order of `names`, that runs `gm` without guards and
    returns what the model returns."""
    place = {name: f"a{index}" for index, name in enumerate(names)}
    call = f"graph({', '.join(place[name] for name in captured.inputs)})"
    if captured.outputs is None:
        body = f"    return {call}\n"
    else:
        items = [f"result[{where}]" if kind == "graph" else place[where] for kind, where in captured.outputs]
        body = f"    result = {call}\n    return ({', '.join(items)},)\n"
    scope: dict[str, Any] = {"graph": gm.forward}
    # Written out, since a loop over names would cost a small graph as much as its kernels.
    exec(f"def direct({', '.join(place.values())}):\n{body}", scope)
    return scope["direct"]


def difference(one: Captured, other: Captured) -> str | None:
    """In what two captures of one graph differ, but for the device that they were made on."""
    lines = [_lines(captured) for captured in (one, other)]
    for before, after in zip(*lines):
        if before != after:
            return f"{after[:MAX_TEXT]} instead of {before[:MAX_TEXT]}"
    if len(lines[0]) != len(lines[1]):
        return f"{len(lines[1])} nodes instead of {len(lines[0])}"
    return None


def _lines(captured: Captured) -> list[str]:
    def plain(value: Any) -> Any:
        return "a device" if isinstance(value, torch.device) else value

    lines = [f"arguments {captured.inputs}, results {captured.outputs}"]
    for node in captured.gm.graph.nodes:
        args, kwargs = torch.fx.node.map_aggregate((node.args, dict(node.kwargs)), plain)
        lines.append(f"{node.name} = {node.op} {target_name(node)} {args!r} {kwargs!r}")
    return lines


def describe(gm: torch.fx.GraphModule) -> list[dict]:
    """One entry a node that computes: name, op, target, arguments, inputs, output, matchable and why_not. For prompts
    and feedback."""
    return [_describe_node(node) for node in gm.graph.nodes if node.op not in ("placeholder", "output")]


def _describe_node(node: torch.fx.Node) -> dict:
    why_not = unmatchable_reason(node)
    return {
        "name": node.name, "op": node.op, "target": target_name(node), "arguments": printed_arguments(node),
        "inputs": [source.name for source in node.all_input_nodes], "output": printed_value(node),
        "matchable": why_not is None, "why_not": why_not,
    }


def target_name(node: torch.fx.Node) -> str:
    from . import encoding

    if isinstance(node.target, str):
        return node.target
    try:
        return encoding.qualified_name(node.target)
    except encoding.Unencodable:
        return str(node.target)[:MAX_TEXT]


def printed_arguments(node: torch.fx.Node) -> str:
    parts = [repr(value) for value in node.args] + [f"{key}={value!r}" for key, value in node.kwargs.items()]
    text = ", ".join(parts)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def printed_value(node: torch.fx.Node) -> str | None:
    """Like "bf16[8, 512, 768]"; None when Dynamo left no example."""
    value = node.meta.get("example_value")
    if isinstance(value, torch.Tensor):
        return f"{SHORT_DTYPES.get(value.dtype, str(value.dtype))}{[int(size) for size in value.shape]}"
    if isinstance(value, (tuple, list)):
        return f"{type(value).__name__} of {len(value)}"
    return None if value is None else type(value).__name__


def unmatchable_reason(node: torch.fx.Node) -> str | None:
    """Why no pattern of the original's tracer can contain this node, or None."""
    if node.op in ("call_module", "get_attr"):
        return f"{node.op} nodes never occur in a traced pattern function"
    if node.op == "call_method" and node.target.startswith("__"):
        return f"a pattern's call of .{node.target}() is traced as an operator, never as this method"
    if node.op == "call_function":
        if node.target in signature.PLAIN_OPERATOR:
            plain = signature.PLAIN_OPERATOR[node.target].__name__
            return f"an augmented assignment in a pattern is traced as {plain}, never as {node.target.__name__}"
        if node.target in (operator.setitem, operator.delitem):
            return "a traced pattern cannot assign to an index"
        if not node.all_input_nodes:
            return "takes no tensor: in a pattern it becomes a constant when traced"
        if not signature.same_call(node.target, node.args, node.kwargs):
            return _recorded_form(node)
    if not node.users and not node.is_impure():
        return "its result is unused, and a pattern must not contain dead code"
    return None


def _recorded_form(node: torch.fx.Node) -> str:
    if node.kwargs:
        return (f"recorded with keyword arguments ({', '.join(node.kwargs)}); the tracer of patterns makes them "
                "positional")
    bound = signature.bound_positional(node.target, node.args, node.kwargs)
    return f"recorded with {len(node.args)} arguments; the tracer of patterns fills in defaults up to {len(bound)}"


RANDOM_FUNCTIONS = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "bernoulli", "bernoulli_",
    "multinomial", "normal", "normal_", "uniform_", "poisson", "exponential_", "geometric_", "cauchy_",
    "log_normal_", "random_", "rrelu", "gumbel_softmax",
}
DROPOUT_FUNCTIONS = {
    "dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_dropout", "feature_alpha_dropout",
    "native_dropout", "dropout_", "alpha_dropout_", "feature_dropout_", "scaled_dot_product_attention",
}


def uses_randomness(gm: torch.fx.GraphModule) -> bool:
    """Whether an output can depend on the generator: a live random node, or one that draws in place."""
    live = _live_nodes(gm.graph)
    return any(_is_random(node) and (node in live or _name(node).endswith("_")) for node in gm.graph.nodes)


def _live_nodes(graph: torch.fx.Graph) -> set[torch.fx.Node]:
    (output,) = graph.find_nodes(op="output")
    live, pending = set(), [output]
    while pending:
        node = pending.pop()
        if node not in live:
            live.add(node)
            pending.extend(node.all_input_nodes)
    return live


def _name(node: torch.fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def _is_random(node: torch.fx.Node) -> bool:
    if node.op not in ("call_function", "call_method"):
        return False
    name = _name(node)
    if name in RANDOM_FUNCTIONS:
        return True
    return name in DROPOUT_FUNCTIONS and _drops(node, name)


def _drops(node: torch.fx.Node, name: str) -> bool:
    """Unknown flags count as random: a missed one would compare two different draws."""
    if name == "scaled_dot_product_attention":
        probability = node.kwargs.get("dropout_p", node.args[4] if len(node.args) > 4 else 0.0)
        return probability != 0.0
    training = node.kwargs.get("training", node.kwargs.get("train", node.args[2] if len(node.args) > 2 else True))
    probability = node.kwargs.get("p", node.args[1] if len(node.args) > 1 else 0.5)
    return training is not False and probability != 0.0
