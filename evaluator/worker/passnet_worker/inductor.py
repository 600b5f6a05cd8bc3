"""TorchInductor, the baseline: a parent that is warm and never sees a task's code, and below it a process a graph and round.

On a device the parent has everything imported and nothing of the device open, since it forks. A graph is compiled in a
process of its own that makes no timed call: TorchInductor tries some configurations of its kernels there, in memory of
torch's own, and leaves its choice and its kernels in the cache on disk, where the timed processes of all rounds find them.

Threads: single-threaded at every fork. Errors: TorchInductor's own.
"""

import os

import torch

from . import calls, capture, channel as channels, device


class Inductor(calls.Caller):
    """torch.compile with its defaults."""

    def __init__(self, channel: channels.Channel, state=None):
        super().__init__(channel, state)
        self.loaded: dict | None = None

    def load(self, message: dict, fds: list[int]) -> dict:
        self.loaded = message
        self.set_call()
        return {"ok": True}

    def set_call(self) -> None:
        settle_driver(self.where)
        compiled, names = compiled_model(self.loaded, self.where)
        self.runner.set_call(compiled, names, None, self.loaded["seed_each_call"])

    def moved(self) -> None:
        if self.loaded is not None:
            self.set_call()

    def compile(self, message: dict, fds: list[int]) -> dict:
        """One call on the device that torch calls so, on inputs of the graph's shapes and types. This process is thrown
        away: it has a context of its own, and no seat."""
        where = opened(message["device"])
        compiled, names = compiled_model(message, where)
        inputs = [tensor.to(where) for tensor in capture.dummy_inputs(message["inputs"])]
        compiled(**dict(zip(names, inputs)))
        device.synchronise(where)
        return {"ok": True}


def compiled_model(message: dict, where: torch.device):
    model = capture.load_model(device.source_for(message["source"], where), message["module"])
    return torch.compile(model), tuple(meta["name"] for meta in message["inputs"])


def opened(name: str) -> torch.device:
    """The device that torch calls so, with a context of this process's own."""
    if name == "cpu":
        return device.CPU
    device.show()
    torch.cuda.init()
    where = torch.device("cuda", torch.cuda.current_device())
    settle_driver(where)
    return where


def settle_driver(where: torch.device) -> None:
    """Triton links what it builds against the driver's library and would start a program to find it, which no jail has."""
    folder = folder_of_library("libcuda.so") if where.type == "cuda" else None
    if folder is not None:
        os.environ.setdefault("TRITON_LIBCUDA_PATH", folder)


def folder_of_library(name: str, maps: str = "/proc/self/maps") -> str | None:
    """Where a library that this process has loaded lies."""
    with open(maps, encoding="utf-8", errors="replace") as file:
        for line in file:
            path = line.rstrip("\n").split(maxsplit=5)[-1]
            if path.startswith("/") and os.path.basename(path).startswith(name):
                return os.path.dirname(path)
    return None


def warm(name: str) -> None:
    """A compile of our own: it imports TorchInductor, probes the vector unit and makes the precompiled header, together
    11 to 15 s that later compiles in this process and its children are spared."""

    def warmed(a, b):
        return torch.relu(a * b + 1).sum(-1)

    with torch.no_grad():
        torch.compile(warmed)(torch.ones(64, 64), torch.ones(64, 64))
    torch._dynamo.reset()
    if name != "cpu":
        import_device_half()
    if torch.cuda.is_initialized():
        raise RuntimeError("TorchInductor's parent has opened the device: no process that forks may")


def import_device_half() -> None:
    """What the first compile for a GPU would import, without asking the GPU anything."""
    import torch._inductor.codegen.triton  # noqa: F401
    import torch._inductor.runtime.triton_heuristics  # noqa: F401
