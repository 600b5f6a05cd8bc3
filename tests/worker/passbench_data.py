"""Real PassBench graphs for the worker's tests, and passes made from them."""

import csv
import functools
import os
import re
import unittest
from dataclasses import dataclass
from pathlib import Path

DEVICE_LITERAL = re.compile(r"device\(type='cuda'(, index=\d+)?\)")


def data_root() -> Path:
    root = os.environ.get("PASSNET_DATA")
    return Path(root) if root else Path(__file__).resolve().parents[3] / "shared" / "data"


def require_data() -> Path:
    """The folder with INDEX.tsv; skips the test without it, unless PASSNET_REQUIRE_DATA=1."""
    root = data_root() / "passbench"
    if not (root / "INDEX.tsv").exists():
        if os.environ.get("PASSNET_REQUIRE_DATA") == "1":
            raise AssertionError(f"{root} has no INDEX.tsv and PASSNET_REQUIRE_DATA=1")
        raise unittest.SkipTest(f"no PassBench data at {root} (set PASSNET_DATA to the folder that holds passbench/)")
    return root


@dataclass
class Graph:
    path: str
    task: str
    source: str
    metas: dict[str, dict]


@functools.cache
def graph_paths() -> list[tuple[str, str]]:
    """(task, graph path) of every line of INDEX.tsv, in its order."""
    with open(require_data() / "INDEX.tsv", encoding="utf-8", newline="") as file:
        return [(row["task"], row["graph"]) for row in csv.DictReader(file, delimiter="\t")]


def first_graph_of_each_task() -> list[tuple[str, str]]:
    seen: dict[str, str] = {}
    for task, path in graph_paths():
        seen.setdefault(task, path)
    return list(seen.items())


def load(task: str, path: str) -> Graph:
    folder = require_data() / path
    source = DEVICE_LITERAL.sub("device(type='cpu')", (folder / "model.py").read_text()).replace("'cuda:0'", "'cpu'")
    scope: dict = {}
    exec((folder / "weight_meta.py").read_text(), scope)
    metas = {value.name: {"name": value.name, "shape": value.shape, "dtype": value.dtype.removeprefix("torch.")}
             for value in scope.values() if isinstance(value, type)}
    return Graph(path, task, source, metas)


def as_pattern(source: str) -> str:
    """model.py's forward as the source of a pass whose pattern is the whole graph."""
    lines = source.split("    def forward(self, ", 1)[1].split("\n")
    signature, body = lines[0], lines[1:]
    arguments = ", ".join(part.split(":")[0].strip() for part in signature.rsplit(")", 1)[0].split(","))
    statements = "\n".join("    " + line.strip() for line in body if line.strip())
    # Dynamo's graphs free names with "x = None"; a traced pattern does not mind.
    return (f"import torch\nfrom torch import device\n\n\ndef pattern({arguments}):\n{statements}\n\n\n"
            f"def replacement_args({arguments}):\n    return ({arguments},)\n\n\n"
            "@torch.fx.wrap\ndef fused(*args):\n    return torch.empty(0)\n\n\n"
            "def replacement_func():\n    return fused\n")
