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

from . import capture, channel as channels, device, launches, match, pass_files, processes, scalar_types

MAX_ERROR = 16384
TRITON_KERNELS = "/tmp/passnet-triton"


def error_text(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-MAX_ERROR:]


def bytes_of(fd: int) -> bytes:
    """Of a file that came as a descriptor, which is closed."""
    with open(fd, "rb") as file:
        return file.read()


class Caller(processes.Role):
    """Owns the native runner of this process and answers frames by the method that they name."""

    def __init__(self, channel: channels.Channel, state=None):
        self.channel = channel
        self.state = state
        self.runner = native.Runner(channel.fileno())
        self.where = device.CPU  # the tensors of its calls
        self.layout: dict | None = None  # of a seat that is taken once the jail is closed

    def prepare(self, message: dict, fds: list[int]) -> None:
        if "layout" in message:
            self.take_seat(message["layout"], fds)
        else:
            channels.close_all(fds)

    def take_seat(self, layout: dict, fds: list[int]) -> None:
        """What lies on a device can be mapped only by a process that may open the device, which no unjailed one may."""
        if "device" in layout:
            device.keep(fds)
            self.layout = layout
        else:
            self.map_seat(layout, fds)

    def jailed(self) -> None:
        if self.layout is not None:
            self.map_seat(self.layout, list(device.SEAT_FDS))

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
        self.map_seat(message, fds)
        return {"ok": True}

    def map_seat(self, layout: dict, fds: list[int]) -> None:
        """fds: [inputs region, outputs region]; on a CUDA lane [headers, inputs, arena]."""
        if "device" in layout:
            self.where = device.attach(layout["device"], fds[1], fds[2])
            in_fd, out_fd, heap = -1, fds[0], 0
        else:
            in_fd, out_fd, heap = fds[0], fds[1], layout["heap"]
        inputs = [(scalar_types.NUMBERS[item["dtype"]], tuple(item["shape"]), item["offset"]) for item in layout["inputs"]]
        self.runner.attach(in_fd, layout["in_size"], out_fd, layout["out_size"], layout["slots"], layout["in_stride"],
                           layout["out_stride"], inputs, layout["outputs"], heap)
        channels.close_all(fds)
        if "device" in layout:
            self.moved()

    def moved(self) -> None:
        """The tensors of its calls lie on self.where by now: so must the graph."""
        self.state = device.MovedState(self.state, self.where, self.runner.slot_inputs(0))

    def probe(self, message: dict, fds: list[int]) -> dict:
        """One call on slot 0: shapes, dtypes, strides and aliases of the outputs."""
        inputs = self.runner.slot_inputs(0)
        result = self.runner.call_slot(0)
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        return {"outputs": [describe_output(output, inputs) for output in outputs]}


class Reference(Caller):
    def __init__(self, channel: channels.Channel, state=None):
        super().__init__(channel, state)
        self.configuration: dict | None = None

    def configure(self, message: dict, fds: list[int]) -> dict:
        """eager: the model as PassBench calls it. null_dynamo and null_direct: the way to a candidate's graph, and
        ready tensors in the graph's place: what no candidate can do without."""
        self.configuration = message
        self.set_call(message["mode"], message["seed_each_call"])
        return {"ok": True}

    def set_call(self, mode: str, seed: bool) -> None:
        if mode == "eager":
            self.runner.set_call(self.state.model, None, None, seed)
            return
        captured, names = self.state.captured, self.state.names
        ready = ready_outputs(captured, self.where)
        if mode == "null_dynamo":
            captured.hole.install(ready)
            self.runner.set_call(captured.compiled, names, captured.hole, seed)
        else:
            nothing = types.SimpleNamespace(forward=ready)
            self.runner.set_call(capture.direct_call(captured, nothing, names), None, None, seed)

    def moved(self) -> None:
        super().moved()
        if self.configuration is not None:
            self.set_call(self.configuration["mode"], self.configuration["seed_each_call"])

    def profile(self, message: dict, fds: list[int]) -> dict:
        """Seconds of each node of the captured graph, for prompts: the last of three interpreted runs."""
        named = dict(zip(self.state.names, self.runner.slot_inputs(0)))
        timer = NodeTimer(self.state.captured.gm, self.where)
        for _ in range(3):
            timer.run(*capture.graph_arguments(self.state.captured, named))
        return {"seconds": timer.seconds}


def ready_outputs(captured: capture.Captured, where: torch.device):
    outputs = tuple(torch.empty(0, device=where) for _ in capture.graph_outputs(captured.gm))

    def nothing(*args):
        return outputs

    return nothing


class NodeTimer(torch.fx.Interpreter):
    """Runs a graph node by node and keeps each node's time. For shares in a prompt, never for a score."""

    def __init__(self, gm, where: torch.device):
        super().__init__(gm)
        self.where = where
        self.seconds: dict[str, float] = {}

    def run_node(self, node):
        started = time.perf_counter()
        result = super().run_node(node)
        device.synchronise(self.where)
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
        """fds: the seat's, one shared object a name in message["kernels"], and of a pass that uses Triton its pack."""
        self.message = message
        seat = len(device.SEAT_FDS) if "device" in message["layout"] else 2
        rest = [bytes_of(fd) for fd in fds[seat:]]
        self.objects = dict(zip(message["kernels"], rest))
        self.pack = rest[len(self.objects)] if len(rest) > len(self.objects) else None
        self.take_seat(message["layout"], fds[:seat])

    def moved(self) -> None:
        super().moved()
        _ = self.state.captured  # now: of what fails in it no candidate is to blame

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
        if self.pack is not None:
            from . import triton_device

            triton_device.install(self.pack, TRITON_KERNELS, self.where)
        directory = pass_files.write_files(self.message["files"])
        self.write_objects(directory)
        import passnet_kernels

        passnet_kernels._install(lambda name: self.load_kernel(directory, name))
        sys.path.insert(0, pass_files.CANDIDATE_ROOT)
        first = self.message["plan"]["rewrites"][0]["pass"]
        self.rewrite(match.leaf_function(importlib.import_module("pass_dir." + first).replacement_func()))

    def rewrite(self, function) -> None:
        """Runs call the graph with `function` in the place of what the plan matched."""
        message, captured = self.message, self.state.captured
        plan = message["plan"] if self.layout is None else device.plan_for(message["plan"], self.where)
        gm = match.apply_plan(captured.gm, plan, native.Marked(function))
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
        directory = pass_files.write_files({})
        self.write_objects(directory)
        load = lambda name: self.load_kernel(directory, name)  # noqa: E731
        self.rewrite(launches.function_of(self.message["launches"], load, self.where))
