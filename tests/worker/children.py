"""Runs a function in a forked child and brings its JSON result back, as the worker does for candidate code."""

import json
import os
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable

import worker_path  # noqa: F401  (before torch)

import torch

from passnet_worker import capture, match, trace


def in_child(work: Callable[[], Any]) -> Any:
    """work()'s result after a trip through JSON. Its exception fails the test with the child's traceback."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        try:
            answer = {"result": work()}
        except BaseException:
            answer = {"failed": traceback.format_exc()}
        with os.fdopen(writer, "w") as file:
            json.dump(answer, file)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = json.load(file)
    os.waitpid(pid, 0)
    if "failed" in answer:
        raise AssertionError(answer["failed"])
    return answer["result"]


def trace_files(files: dict[str, str]) -> dict:
    """Traces a candidate given as {file name: text} in a child of its own."""
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root) / "pass_dir"
        directory.mkdir()
        for name, text in files.items():
            (directory / name).write_text(text)
        return in_child(lambda: trace.trace_candidate(str(directory)))


def one_pass(pattern: str, arguments: str, replacement_args: str | None = None, extra: str = "") -> dict[str, str]:
    """The files of a candidate with one pass; `pattern` is the body of its pattern function."""
    body = "\n".join("    " + line for line in pattern.strip().split("\n"))
    text = (f"import torch\nimport operator\n{extra}\n\ndef pattern({arguments}):\n{body}\n\n\n"
            f"def replacement_args({arguments}):\n    return ({replacement_args or arguments},)\n\n\n"
            "@torch.fx.wrap\ndef fused(*args):\n    return torch.empty_like(args[0])\n\n\n"
            "def replacement_func():\n    return fused\n")
    return {"One.py": text, trace.RULE_LIST: '["One"]'}


def inputs_before(inputs: tuple, tensor: torch.Tensor) -> int:
    return next(position for position, other in enumerate(inputs) if other is tensor)


def captured(forward: str, arguments: str, *inputs: torch.Tensor) -> capture.Captured:
    """Captures `forward`, the body of a model's forward. A tensor given twice stands for two of its kind."""
    torch._dynamo.reset()
    body = "\n".join("        " + line for line in forward.strip().split("\n"))
    source = (f"import torch\n\n\nclass GraphModule(torch.nn.Module):\n    def forward(self, {arguments}):\n{body}\n")
    captured.number = getattr(captured, "number", 0) + 1
    distinct = [tensor if position == inputs_before(inputs, tensor) else torch.empty_like(tensor)
                for position, tensor in enumerate(inputs)]
    return capture.capture(capture.load_model(source, f"test_model_{captured.number}"), distinct)


def plan_for(graph: capture.Captured, files: dict[str, str], matching: str = "upstream") -> dict:
    traced = trace_files(files)
    if traced["errors"]:
        raise AssertionError(traced["errors"])
    return match.match_candidate(graph.gm, traced, matching)
