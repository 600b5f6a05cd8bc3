"""The compile child of Triton's passes: `python -m passnet_worker.triton_compile` in a jail of its own (sandbox/run.h), which
may start ptxas and nothing else.

Reads job.json from its folder: {"architecture", "files": {name: text}, "graphs": [{"path", "source", "module", "inputs",
"plan"}]}. Captures each graph as a task child does, puts the candidate's function in the place of what the plan matched, and
runs it once on tensors of the graph's shapes and types. Every launch compiles; none happens (triton_target.py).

Leaves kernels.pack (triton_pack.py) and result.json: {"kernels": [{"graph", "what"}], "autotuned": [{"graph", "kernel",
"choice", "measured"}], "error": null or {"graph", "text"}}. The candidate's code runs in this process: both are claims.

Threads: single-threaded. Errors: the candidate's are in "error"; exit status 0 in any case.
"""

import glob
import importlib
import json
import os
import sys
import traceback

import torch
import triton
from triton import knobs

from . import capture, match, pass_files, triton_pack, triton_target

CACHE = "triton-cache"
AUTOTUNE = ".autotune.json"
SHOWN = ("num_warps", "num_stages", "num_ctas")
MAX_ERROR = 16384
MAX_NOTES = 512
MAX_TEXT = 1024


class Notes:
    """What was compiled, as Triton's hook tells it, and what was chosen, as its cache does."""

    def __init__(self) -> None:
        self.graph = ""
        self.kernels: list[dict] = []
        self.autotuned: list[dict] = []
        self.seen: set[str] = set()

    def compiled(self, *, fn, compile, **rest) -> None:
        if len(self.kernels) < MAX_NOTES:
            what = triton_target.specialisation(fn.name, compile)
            self.kernels.append({"graph": self.graph, "what": what[:MAX_TEXT]})

    def tuned(self) -> None:
        """The choices that the graph's run has left in the cache."""
        for file in sorted(glob.glob(os.path.join(CACHE, "*", "*" + AUTOTUNE))):
            if file in self.seen or len(self.autotuned) >= MAX_NOTES:
                continue
            self.seen.add(file)
            with open(file, encoding="utf-8") as text:
                timings = json.load(text)["configs_timings"]
            best = min(timings, key=lambda entry: entry[1])[0]
            shown = {**best["kwargs"], **{key: best[key] for key in SHOWN}}
            choice = ", ".join(f"{key}={value}" for key, value in shown.items())
            kernel = os.path.basename(file).removesuffix(AUTOTUNE)
            self.autotuned.append({"graph": self.graph, "kernel": kernel, "choice": choice[:MAX_TEXT], "measured": False})


class InertKernel:
    """A native kernel of the same candidate: it is compiled elsewhere and not run here."""

    def __getattr__(self, name: str):
        return lambda *args: None


def prepare(architecture: str, notes: Notes) -> None:
    """Before the candidate's files are imported: what it asks of Triton then is settled."""
    knobs.cache.dir = os.path.abspath(CACHE)
    os.makedirs(CACHE, exist_ok=True)
    triton_target.settle_versions()
    knobs.autotuning.cache = True
    knobs.runtime.jit_cache_hook = notes.compiled
    triton.runtime.driver.set_active(triton_target.WithoutDevice(architecture))


def load_function(files: dict[str, str], plan: dict):
    import passnet_kernels

    pass_files.write_files(files)
    passnet_kernels._install(lambda name: InertKernel())
    if pass_files.CANDIDATE_ROOT not in sys.path:
        sys.path.insert(0, pass_files.CANDIDATE_ROOT)
    first = plan["rewrites"][0]["pass"]
    return match.leaf_function(importlib.import_module("pass_dir." + first).replacement_func())


def run_graph(graph: dict, files: dict[str, str]) -> None:
    torch._dynamo.reset()
    model = capture.load_model(graph["source"], graph["module"])
    inputs = capture.dummy_inputs(graph["inputs"])
    captured = capture.capture(model, inputs)
    rewritten = match.apply_plan(captured.gm, graph["plan"], load_function(files, graph["plan"]))
    names = [meta["name"] for meta in graph["inputs"]]
    capture.direct_call(captured, rewritten, names)(*inputs)


def work(job: dict, notes: Notes) -> dict | None:
    """The first failure."""
    prepare(job["architecture"], notes)
    for graph in job["graphs"]:
        notes.graph = graph["path"]
        try:
            run_graph(graph, job["files"])
            notes.tuned()
        except BaseException as error:  # the candidate's code may raise anything, SystemExit included
            return {"graph": graph["path"], "text": "".join(traceback.format_exception(error))[-MAX_ERROR:]}
    return None


def main() -> None:
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    notes = Notes()
    error = work(job, notes)
    packed = b""
    if error is None:
        try:
            packed = triton_pack.pack(CACHE)
        except triton_pack.PackError as odd:
            error = {"graph": "", "text": f"its compiled kernels: {odd}"}
    with open("kernels.pack", "wb") as file:
        file.write(packed)
    with open("result.json", "w", encoding="utf-8", errors="replace") as file:
        json.dump({"kernels": notes.kernels, "autotuned": notes.autotuned, "error": error}, file)


if __name__ == "__main__":
    main()
