"""The device of a process that makes calls on a CUDA lane, between its jail and its first call: the driver, what the evaluator
lends there, torch's memory, and the task's graph on that device. On a CPU lane nothing here is used.

No ancestor of such a process may have opened the driver: a context that stands in a parent is broken in every child. Torch
does so wherever it asks how many GPUs there are (Dynamo asks at every capture), so in those processes it is told that there
are none.

Threads: single-threaded. Errors: RuntimeError (the driver's, naming the call), capture.CaptureError.
"""

import fcntl
import functools
import os
import re
import sys
from typing import Any

import torch
import torch.utils._triton

import _passnet_worker as native

from . import capture, channel as channels

SEAT_FDS = (4, 5, 6)  # headers, inputs, arena: PN_SEAT_FD of run_protocol.h
DEVICE_LITERAL = re.compile(r"device\(type='(?:cpu|cuda)'(?:, index=\d+)?\)")
CPU = torch.device("cpu")

_asked: dict[tuple[Any, str], Any] = {}  # what hide() has replaced


def _refuse_to_open(*_) -> None:
    raise RuntimeError("a process that forks does not open the device")


def hide() -> None:
    """From now on, in this process and its children, torch sees no GPU, loads nothing to find one and opens none.
    TorchInductor asks for the current device's name wherever it compiles, for a CPU too, and takes the refusal for an answer."""
    for owner, name, instead in ((torch._C, "_cuda_getDeviceCount", lambda: 0),
                                 (torch.cuda, "_device_count_nvml", lambda: 0),
                                 (torch._C, "_cuda_init", _refuse_to_open)):
        if hasattr(owner, name):
            _asked.setdefault((owner, name), getattr(owner, name))
            setattr(owner, name, instead)


def show() -> None:
    """Undoes hide() in this process, which may open a GPU from now on."""
    for (owner, name), function in _asked.items():
        setattr(owner, name, function)
    _asked.clear()
    for function in vars(torch.utils._triton).values():  # they remember that there is no GPU
        if hasattr(function, "cache_clear"):
            function.cache_clear()
    codecache = sys.modules.get("torch._inductor.codecache")
    if codecache is not None:
        codecache.CacheBase.get_system.cache_clear()


def keep(fds: list[int]) -> None:
    """Moves a seat's descriptors to where the plan leaves them open."""
    beyond = max(SEAT_FDS) + 1
    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, beyond) for fd in fds]
    channels.close_all(fds)
    for number, fd in zip(SEAT_FDS, moved, strict=True):
        os.dup2(fd, number, inheritable=False)
        os.close(fd)


def attach(lent: dict, inputs: int, arena: int) -> torch.device:
    """`lent`: `device` of an attach command. Where this process's tensors lie from now on."""
    on_cuda = lent["torch"] == "cuda"
    if on_cuda:
        show()
    index = native.attach_device(lent["driver"], lent["uuid"], on_cuda, (inputs, lent["inputs_bytes"], lent["inputs_at"]),
                                 (arena, lent["arena_bytes"], lent["arena_at"]))
    where = _open(index) if on_cuda else CPU
    if not native.is_lent(torch.empty(1, device=where).data_ptr()):
        raise RuntimeError(f"torch's memory on {where} does not come from what the evaluator lends: nothing of it could be read")
    return where


def _open(index: int) -> torch.device:
    # Before torch has asked for any memory of the device: later it could not be changed.
    pieces = torch.cuda.memory.CUDAPluggableAllocator(native.__file__, "pn_arena_alloc", "pn_arena_free")
    torch.cuda.memory.change_current_allocator(pieces)
    torch.cuda.set_device(index)
    torch.cuda.init()
    return torch.device("cuda", index)


def synchronise(where: torch.device) -> None:
    if where.type == "cuda":
        torch.cuda.synchronize(where)


def literal(where: torch.device) -> str:
    """As the evaluator writes a device into a model's text (passbench/model_source.h)."""
    return "device(type='cpu')" if where.type == "cpu" else f"device(type='{where.type}', index={where.index})"


def source_for(source: str, where: torch.device) -> str:
    return DEVICE_LITERAL.sub(literal(where), source)


def plan_for(plan: Any, where: torch.device) -> Any:
    """A plan names the devices of the graph that it was made on, which was captured on the CPU."""
    if isinstance(plan, dict):
        if set(plan) == {"device"}:
            return {"device": str(where)}
        return {key: plan_for(value, where) for key, value in plan.items()}
    return [plan_for(item, where) for item in plan] if isinstance(plan, list) else plan


class MovedState:
    """A task's graph in a process whose tensors lie on a device: the model loaded for it, and the graph captured once more on
    the tensors of the first slot, whose bytes are not read."""

    def __init__(self, state, where: torch.device, inputs: tuple):
        self.names = state.names
        self.where = where
        self.inputs = inputs
        self.before = state.captured
        message = state.message
        self.model = capture.load_model(source_for(message["source"], where), message["module"] + "_on_device")

    @functools.cached_property
    def captured(self) -> capture.Captured:
        captured = capture.capture(self.model, list(self.inputs))
        what = capture.difference(self.before, captured)
        if what is not None:
            raise capture.CaptureError(f"on {self.where} Dynamo captures another graph than on the CPU: {what}")
        return captured
