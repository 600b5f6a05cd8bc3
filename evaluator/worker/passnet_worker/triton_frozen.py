"""Triton in a timed process: every kernel comes from the cache that the compile child filled, and nothing is compiled.

A pass that asks for a kernel which is not there (another type, another alignment, a scalar of one, another constexpr) ends
with NewSpecialisation, which names the kernel and the specialisation: it is the candidate's failure. The same holds for an
autotune whose choice was not made before.

Threads: single-threaded; Triton's knobs are process-wide and are set for good. Errors: NewSpecialisation.
Source: triton.runtime.cache.CacheManager, triton.runtime.jit (Triton 3.6 to 3.8).
"""

import os

from triton import knobs
from triton.runtime.cache import CacheManager

from . import triton_pack, triton_target


class NewSpecialisation(Exception):
    """A kernel that was not compiled before the timing began."""


class FrozenCache(CacheManager):
    """Reads below `root` and writes nowhere."""

    root = ""
    asked = ""  # what Triton is about to look up, as its hook tells it

    def __init__(self, key: str, override: bool = False, dump: bool = False):
        self.folder = os.path.join(self.root, key)

    def get_file(self, filename: str) -> str | None:
        path = os.path.join(self.folder, filename)
        if os.path.exists(path):
            return path
        if filename.endswith(".autotune.json"):
            raise NewSpecialisation(f"{filename.removesuffix('.autotune.json')} would be autotuned for new arguments: its "
                                    "choice is made once, before timing, on the graph's own shapes")
        return None

    def get_group(self, filename: str) -> dict[str, str]:
        """The files of one kernel. Triton's own list names paths of the process that compiled it."""
        if not os.path.isdir(self.folder):
            refuse(type(self).asked or filename.removesuffix(".json"))
        return {name: os.path.join(self.folder, name) for name in os.listdir(self.folder)}

    def put(self, data, filename: str, binary: bool = True) -> str:
        refuse(filename)

    def put_group(self, filename: str, group: dict[str, str]) -> None:
        refuse(filename)


def refuse(what: str) -> None:
    raise NewSpecialisation(f"{what[:1000]} was not compiled before the timing began: each kernel is compiled once, in a run "
                            "of the pass on inputs of the same shapes, types and alignments")


def _note(*, fn, compile, **rest) -> None:
    """Triton's hook before a kernel is looked up."""
    FrozenCache.asked = triton_target.specialisation(fn.name, compile)


def install(packed: bytes, folder: str) -> None:
    """Before the candidate's code runs. `packed`: what the evaluator has checked."""
    triton_pack.unpack(packed, folder)
    triton_target.settle_versions()
    FrozenCache.root = folder
    knobs.cache.manager_class = FrozenCache
    knobs.autotuning.cache = True
    knobs.runtime.jit_cache_hook = _note
