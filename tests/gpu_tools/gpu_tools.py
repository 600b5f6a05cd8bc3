"""What the Python tests of this folder share: whether the tools are there, the bundled tasks, and a pass laid into a graph."""

import functools
import importlib
import json
import os
import sys
import tempfile
import unittest
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "worker"))
from worker_path import SOURCE  # (before torch)

PASSES = SOURCE / "tests" / "fixtures" / "passes_triton"

try:
    import torch
    import triton
    MISSING = None
except ImportError as error:
    MISSING = f"{error}: ./dev test installs tests/gpu_tools/requirements.txt into .cache/gpu-tools"


def needs_tools(case):
    """Skips without the tools, with the reason; where everything must be there (.ci/run), that is a failure."""
    if MISSING and os.environ.get("PASSNET_REQUIRE_DATA") == "1":
        raise AssertionError(MISSING)
    return unittest.skipIf(MISSING, MISSING)(case)


@dataclass
class Graph:
    """`metas`: in the order of forward's arguments."""

    path: str
    source: str
    metas: list[dict]


def tasks_with_passes() -> list[str]:
    return sorted(folder.name for folder in PASSES.iterdir() if folder.is_dir())


@functools.cache
def graphs_of(task: str) -> list[Graph]:
    from passnet_worker import capture

    graphs = []
    for path in (SOURCE / "tasks" / task / "graph_list.txt").read_text().split():
        folder = SOURCE / "tasks" / task / path
        source = (folder / "model.py").read_text()
        scope: dict = {}
        exec((folder / "weight_meta.py").read_text(), scope)
        described = {value.name: value for value in scope.values() if isinstance(value, type)}
        model = capture.load_model(source, f"{task}_{len(graphs)}_names")
        metas = []
        for name in capture.argument_names(model):
            of = described[name]
            metas.append({"name": name, "shape": list(of.shape), "dtype": of.dtype.removeprefix("torch."),
                          **{key: getattr(of, key, None) for key in ("mean", "std", "min_val", "max_val")}})
        graphs.append(Graph(path, source, metas))
    return graphs


def inputs_of(graph: Graph) -> list:
    """Values of the kind that the task describes, from a fixed seed."""
    generator = torch.Generator().manual_seed(7)
    return [_input(meta, generator) for meta in graph.metas]


def _input(meta: dict, generator):
    dtype, shape = getattr(torch, meta["dtype"]), meta["shape"]
    if dtype == torch.bool:
        return torch.rand(shape, generator=generator) > 0.5
    if not dtype.is_floating_point:
        return torch.randint(meta["min_val"], meta["max_val"] + 1, shape, generator=generator, dtype=dtype)
    mean, std = meta["mean"] or 0.0, 0.1 if meta["std"] is None else meta["std"]
    values = torch.randn(shape, generator=generator) * (std * 0.2) + mean
    return values.clamp(meta["min_val"], meta["max_val"]).to(dtype) if meta["min_val"] is not None else values.to(dtype)


def rewritten(graph: Graph, folder: Path, number: int):
    """The graph with the pass of `folder` in it, as a function of forward's arguments, and its plan. Once a process: a
    candidate's files are imported as pass_dir."""
    from passnet_worker import capture, match

    captured = captured_graph(graph, number)
    plan = plan_of(captured, folder)
    module = importlib.import_module("pass_dir." + plan["rewrites"][0]["pass"])
    gm = match.apply_plan(captured.gm, plan, match.leaf_function(module.replacement_func()))
    return capture.direct_call(captured, gm, [meta["name"] for meta in graph.metas]), plan


def captured_graph(graph: Graph, number: int):
    from passnet_worker import capture

    torch._dynamo.reset()
    return capture.capture(capture.load_model(graph.source, f"gpu_tools_{number}"), capture.dummy_inputs(graph.metas))


def plan_of(captured, folder: Path) -> dict:
    """`folder` is laid beside this process's files as pass_dir, so that trace and import find it under that name."""
    from passnet_worker import match, trace

    root = Path(tempfile.mkdtemp())
    (root / "pass_dir").symlink_to(folder)
    traced = trace.trace_candidate(str(root / "pass_dir"))
    if traced["errors"]:
        raise AssertionError(traced["errors"])
    plan = match.match_candidate(captured.gm, json.loads(json.dumps(traced)))
    if not plan["rewrites"]:
        raise AssertionError(plan["passes"])
    return json.loads(json.dumps(plan))
