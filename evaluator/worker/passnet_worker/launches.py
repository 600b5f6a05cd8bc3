"""A list of launches that the witness recorded (native/recorder.cc), as a function that makes them again: allocate, launch,
return, and nothing of the candidate's Python. The evaluator read the list field by field before it came here.

The function is written out: a loop over the list would cost a small graph as much as its kernels.

Threads: pure functions. Errors: FileNotFoundError and AttributeError for a kernel that is not there.
"""

import struct
from typing import Any, Callable

import torch

from .scalar_types import DTYPES


def function_of(calls: list[dict], load: Callable[[str], Any], where: torch.device = torch.device("cpu")) -> Callable:
    """The function that a graph calls in the place of the candidate's: `calls` in turn, and again. Memory is made on `where`."""
    kernels: dict[str, Any] = {}
    functions = [_one_call(call, kernels, load, where) for call in calls]
    if len(functions) == 1:
        return functions[0]
    turn = 0

    def in_turn(*args):
        nonlocal turn
        function = functions[turn]
        turn = (turn + 1) % len(functions)
        return function(*args)

    return in_turn


def scalar_of(scalar: dict) -> int | float:
    return struct.unpack("<d", struct.pack("<q", scalar["bits"]))[0] if scalar["float"] else scalar["bits"]


def _one_call(call: dict, kernels: dict[str, Any], load: Callable[[str], Any], where: torch.device) -> Callable:
    writer = _Writer(call, where)
    for launch in call["launches"]:
        name = launch["kernel"]
        if name not in kernels:
            kernels[name] = load(name)
        inputs, outputs = writer.views(launch["inputs"]), writer.views(launch["outputs"])
        scalars = writer.constant(tuple(scalar_of(scalar) for scalar in launch["scalars"]))
        writer.line(f"{writer.constant(getattr(kernels[name], launch['function']))}({inputs}, {outputs}, {scalars})")
    writer.line("return " + (writer.views(call["results"]) if call["many"] else writer.view(call["results"][0])))
    return writer.function()


class _Writer:
    """The text of one function; every value that is no small number is a name of its scope."""

    def __init__(self, call: dict, where: torch.device):
        self.places = call["places"]
        self.arguments = call["arguments"]
        self.scope: dict[str, Any] = {"empty_strided": torch.empty_strided, "as_strided": torch.as_strided}
        self.lines: list[str] = []
        device = "" if where.type == "cpu" else f", device={self.constant(where)}"
        for index, place in enumerate(self.places):
            if place["argument"] < 0:
                self.line(f"m{index} = empty_strided({self.geometry(place)}, dtype={self.constant(DTYPES[place['type']])}{device})")

    def line(self, text: str) -> None:
        self.lines.append(f"    {text}\n")

    def constant(self, value: Any) -> str:
        name = f"c{len(self.scope)}"
        self.scope[name] = value
        return name

    def geometry(self, tensor: dict) -> str:
        return f"{self.constant(tuple(tensor['shape']))}, {self.constant(tuple(tensor['strides']))}"

    def views(self, views: list[dict]) -> str:
        return "(" + "".join(f"{self.view(view)}," for view in views) + ")"

    def view(self, view: dict) -> str:
        place = self.places[view["place"]]
        base = f"a{place['argument']}" if place["argument"] >= 0 else f"m{view['place']}"
        if view["offset"] == 0 and view["shape"] == place["shape"] and view["strides"] == place["strides"]:
            return base
        return f"as_strided({base}, {self.geometry(view)}, {base}.storage_offset() + {int(view['offset'])})"

    def function(self) -> Callable:
        arguments = ", ".join(f"a{index}" for index in range(self.arguments))
        exec(f"def replay({arguments}):\n{''.join(self.lines)}", self.scope)
        return self.scope["replay"]
