"""What a pass imports to reach its native kernels: `_k = passnet_kernels.load("bias_gelu")` gives an object whose
attributes are the functions that bias_gelu.cc exports (passnet_kernel.h tells how they are called).

Where no loader is installed (while a pattern is traced no kernel has been compiled yet) load() gives an inert object:
it can be kept in a module variable, and calling through it says why it cannot run.
"""

from typing import Any, Callable

_loader: Callable[[str], Any] | None = None


class NotCompiledHere:
    """Stands for a kernel in a process that has none."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, function: str) -> Callable:
        if function.startswith("__"):
            raise AttributeError(function)

        def refuse(*args):
            raise RuntimeError(f"kernel {self._name}.{function} was called while the pass was traced: kernels run only "
                               "inside the function that replacement_func() returns")

        return refuse


def load(name: str) -> Any:
    """The kernel built from pass_dir/<name>.cc (or .cu)."""
    if not isinstance(name, str):
        raise TypeError(f"passnet_kernels.load wants the kernel's file name without suffix, got {type(name).__name__}")
    return NotCompiledHere(name) if _loader is None else _loader(name)


def _install(loader: Callable[[str], Any]) -> None:
    """For the worker: from now on load() calls `loader`."""
    global _loader
    _loader = loader
