"""What the zygote's children do: `task` holds one captured graph and forks match, reference and candidate children;
`trace` runs a candidate's pattern code and is thrown away; `screen` reads a candidate's files without running them;
`inductor` has TorchInductor imported and warm, never sees a task's code, and forks a child for each baseline graph.
"""

import gc
import os
from typing import Callable

from . import calls, capture, channel as channels, device, inductor, match, pass_files, processes, screen, trace

def answer(channel: channels.Channel, work: Callable[[], dict]) -> None:
    """Sends work()'s dict, or {"error": traceback} when it raises."""
    try:
        reply = work()
    except BaseException as error:
        reply = {"error": calls.error_text(error)}
    channel.send(reply)


class TaskState:
    """One graph: the eager model, its captured graph, and the function that Dynamo made of it. On the CPU on every lane."""

    def __init__(self, message: dict):
        self.message = message
        self.names = tuple(meta["name"] for meta in message["inputs"])
        self.model = capture.load_model(device.source_for(message["source"], device.CPU), message["module"])
        self.captured = capture.capture(self.model, capture.dummy_inputs(message["inputs"]))


class TaskRole(processes.Role):
    """Loads and captures one graph, never runs it, and is the parent of everything that does."""

    def __init__(self, channel: channels.Channel, plans: dict[str, bytes]):
        self.channel = channel
        self.plans = plans
        self.message: dict = {}
        self.state: TaskState | None = None

    def prepare(self, message: dict, fds: list[int]) -> None:
        self.message = message

    def load(self) -> dict:
        self.state = TaskState(self.message)
        gm = self.state.captured.gm
        return {"ops": capture.describe(gm), "random": capture.uses_randomness(gm)}

    def run(self) -> None:
        children = processes.Children(self.channel, self.plans)
        answer(self.channel, self.load)
        children.serve(lambda name: lambda child: TASK_ROLES[name](child, self.state))


class InductorRole(processes.Role):
    """Warms TorchInductor once and is the parent of the processes that compile baselines."""

    def __init__(self, channel: channels.Channel, plans: dict[str, bytes]):
        self.channel = channel
        self.plans = plans
        self.device = "cpu"

    def prepare(self, message: dict, fds: list[int]) -> None:
        self.device = message["device"]

    def warm(self) -> dict:
        inductor.warm(self.device)
        gc.collect()
        gc.freeze()
        return {"ready": True, "tasks": len(os.listdir("/proc/self/task"))}

    def run(self) -> None:
        children = processes.Children(self.channel, self.plans)
        answer(self.channel, self.warm)
        children.serve(lambda name: INDUCTOR_ROLES[name])


class OneAnswer(processes.Role):
    """A role that answers its first frame and ends."""

    def __init__(self, channel: channels.Channel, context):
        self.channel = channel
        self.context = context
        self.message: dict = {}

    def prepare(self, message: dict, fds: list[int]) -> None:
        self.message = message

    def run(self) -> None:
        answer(self.channel, self.work)

    def work(self) -> dict:
        raise NotImplementedError


class MatchRole(OneAnswer):
    def work(self) -> dict:
        return match.match_candidate(self.context.captured.gm, self.message["traced"], self.message["matching"])


class TraceRole(OneAnswer):
    def work(self) -> dict:
        return trace.trace_candidate(pass_files.write_files(self.message["files"]))


class ScreenRole(OneAnswer):
    def work(self) -> dict:
        files = {name: text.encode("utf-8", "surrogatepass") for name, text in self.message["files"].items()}
        return {"findings": screen.screen(files)}


ROLES = {"task": TaskRole, "trace": TraceRole, "screen": ScreenRole, "inductor": InductorRole}
INDUCTOR_ROLES = {"baseline": inductor.Inductor}
TASK_ROLES = {"match": MatchRole, "reference": calls.Reference, "candidate": calls.Candidate, "replay": calls.Replay}
