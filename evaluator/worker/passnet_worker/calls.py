"""The processes whose calls are timed: reference (eager), candidate (the rewritten graph) and inductor. All share one
loop: JSON frames set things up, the native runner makes the calls.

No clock, no seed of ours and no expected output ever exists in these processes.
"""

import importlib
import os
import sys
import time
import traceback
import types

import torch

import _passnet_worker as native

from . import capture, channel as channels, launches, match, scalar_types

CANDIDATE_ROOT = "/tmp/passnet-candidate"  # on the process's own private tmpfs; the prefix, since a checkout may lie below /tmp
MAX_ERROR = 16384


def error_text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-MAX_ERROR:]


def write_files(files: dict[str, str]) -> str:
    """Writes {relative name: text} below CANDIDATE_ROOT/pass_dir; the names were validated by the evaluator."""
    directory = os.path.join(CANDIDATE_ROOT, "pass_dir")
    for name, text in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
            file.write(text)
    return directory


class Caller:
    """Owns the native runner of this process and answers frames by the method that they name."""

    def __init__(self, channel: channels.Channel, state=None):
        self.channel = channel
        self.state = state
        self.runner = native.Runner(channel.fileno())

    def prepare(self, message: dict, fds: list[int]) -> None:
        channels.close_all(fds)

    def run(self) -> None:
        """Answers run commands natively and frames by name, until the evaluator goes."""
        while self.runner.serve():
            message, fds = self.channel.receive()
            try:
                reply = getattr(self, message["cmd"])(message, fds)
            except BaseException as error:
                reply = {"error": error_text(error)}
            self.channel.send(reply)

    def attach(self, message: dict, fds: list[int]) -> dict:
        """fds: [inputs region, outputs region]."""
        inputs = [(scalar_types.NUMBERS[item["dtype"]], tuple(item["shape"]), item["offset"]) for item in message["inputs"]]
        self.runner.attach(fds[0], message["in_size"], fds[1], message["out_size"], message["slots"],
                           message["in_stride"], message["out_stride"], inputs, message["outputs"], message["heap"])
        channels.close_all(fds)
        return {"ok": True}

    def probe(self, message: dict, fds: list[int]) -> dict:
        """One call on slot 0: shapes, dtypes, strides and aliases of the outputs."""
        inputs = self.runner.slot_inputs(0)
        result = self.runner.call_slot(0)
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        return {"outputs": [describe_output(output, inputs) for output in outputs]}


class Reference(Caller):
    def configure(self, message: dict, fds: list[int]) -> dict:
        """eager: the model as PassBench calls it. null_dynamo and null_direct: the way to a candidate's graph, and
        ready tensors in the graph's place: what no candidate can do without."""
        captured, names, seed = self.state.captured, self.state.names, message["seed_each_call"]
        if message["mode"] == "eager":
            self.runner.set_call(self.state.model, None, None, seed)
        elif message["mode"] == "null_dynamo":
            captured.hole.install(ready_outputs(captured))
            self.runner.set_call(captured.compiled, names, captured.hole, seed)
        else:
            nothing = types.SimpleNamespace(forward=ready_outputs(captured))
            self.runner.set_call(capture.direct_call(captured, nothing, names), None, None, seed)
        return {"ok": True}

    def profile(self, message: dict, fds: list[int]) -> dict:
        """Seconds of each node of the captured graph, for prompts: the last of three interpreted runs."""
        named = dict(zip(self.state.names, self.runner.slot_inputs(0)))
        timer = NodeTimer(self.state.captured.gm)
        for _ in range(3):
            timer.run(*capture.graph_arguments(self.state.captured, named))
        return {"seconds": timer.seconds}


def ready_outputs(captured: capture.Captured):
    outputs = tuple(torch.empty(0) for _ in capture.graph_outputs(captured.gm))

    def nothing(*args):
        return outputs

    return nothing


class NodeTimer(torch.fx.Interpreter):
    """Runs a graph node by node and keeps each node's time. For shares in a prompt, never for a score."""

    def __init__(self, gm):
        super().__init__(gm)
        self.seconds: dict[str, float] = {}

    def run_node(self, node):
        started = time.perf_counter()
        result = super().run_node(node)
        self.seconds[node.name] = time.perf_counter() - started
        return result


def describe_output(output, inputs) -> dict:
    if not isinstance(output, torch.Tensor):
        return {"kind": "other", "type": type(output).__name__}
    alias = -1
    for index, tensor in enumerate(inputs):
        begin = tensor.data_ptr()
        if output.numel() and begin <= output.data_ptr() < begin + max(tensor.nbytes, 1):
            alias = index
    return {"kind": "tensor", "dtype": str(output.dtype).removeprefix("torch."), "shape": list(output.shape),
            "strides": list(output.stride()), "alias": alias, "bytes": output.numel() * output.element_size()}


OBSERVER_SWITCHES = ("_clear_callbacks", "_enable_record_function", "_set_empty_test_observer")


def hide_observer_switches() -> None:
    """torch's own Python ways to switch off what the witness listens to (native/observer.cc)."""
    for module in (torch._C._autograd, torch.autograd):
        for name in OBSERVER_SWITCHES:
            vars(module).pop(name, None)


class Candidate(Caller):
    """Everything it needs comes with the first frame, before the jail: afterwards it is given nothing
    but run commands."""

    def prepare(self, message: dict, fds: list[int]) -> None:
        """fds: [inputs region, outputs region, one shared object a name in message["kernels"]]."""
        self.message = message
        self.attach(message["layout"], fds[:2])
        self.objects = {}
        for name, fd in zip(message["kernels"], fds[2:]):
            with open(fd, "rb") as file:
                self.objects[name] = file.read()

    def run(self) -> None:
        try:
            self.install()
            reply = {"installed": True}
        except BaseException as error:
            reply = {"installed": False, "error": error_text(error)}
        self.channel.send(reply)
        if reply["installed"]:
            super().run()

    def install(self) -> None:
        """Imports the candidate's passes and installs the rewritten graph. The first candidate code of this process
        runs here."""
        hide_observer_switches()
        directory = write_files(self.message["files"])
        self.write_objects(directory)
        import passnet_kernels

        passnet_kernels._install(lambda name: self.load_kernel(directory, name))
        sys.path.insert(0, CANDIDATE_ROOT)
        first = self.message["plan"]["rewrites"][0]["pass"]
        self.rewrite(match.leaf_function(importlib.import_module("pass_dir." + first).replacement_func()))

    def rewrite(self, function) -> None:
        """Runs call the graph with `function` in the place of what the plan matched."""
        message, captured = self.message, self.state.captured
        gm = match.apply_plan(captured.gm, message["plan"], native.Marked(function))
        if message["call_path"] == "dynamo":
            captured.hole.install(gm)
            self.runner.set_call(captured.compiled, self.state.names, captured.hole, message["seed_each_call"])
        else:
            self.runner.set_call(capture.direct_call(captured, gm, self.state.names), None, None, message["seed_each_call"])

    def write_objects(self, directory: str) -> None:
        os.makedirs(directory, exist_ok=True)
        for name, data in self.objects.items():
            with open(os.path.join(directory, name + ".so"), "wb") as file:
                file.write(data)

    def load_kernel(self, directory: str, name: str):
        if name not in self.objects:
            raise FileNotFoundError(f"passnet_kernels.load({name!r}): the candidate has no file {name}.cc or {name}.cu")
        return native.load_kernel(os.path.join(directory, name + ".so"), name)


class Replay(Candidate):
    """A candidate's kernels without its Python: the launches of a recorded call, made again."""

    def install(self) -> None:
        directory = write_files({})
        self.write_objects(directory)
        self.rewrite(launches.function_of(self.message["launches"], lambda name: self.load_kernel(directory, name)))
