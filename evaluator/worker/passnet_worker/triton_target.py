"""A driver for Triton that compiles for a device without having it: everything up to the launch happens, and the launch
does nothing. The compile child runs a pass with it; so do tests on machines without a GPU.

Threads: single-threaded. Errors: Triton's own (CompilationError, OutOfResources, PTXASError).
Source: triton.backends.driver.DriverBase and what triton.compiler.CompiledKernel asks of a driver (Triton 3.6 to 3.8).
"""

import re

import torch
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase

ARCHITECTURE = re.compile(r"sm_(\d{2,3})[af]?")
# Bytes of shared memory that one block may have (CUDA C++ Programming Guide, "Technical Specifications per Compute
# Capability"); of others the smallest.
SHARED_MEMORY = {80: 166_912, 87: 166_912, 90: 232_448, 100: 232_448, 103: 232_448}
SMALLEST_SHARED_MEMORY = 101_376
REGISTER_THREADS = 1024  # of a block, in every architecture


def number_of(architecture: str) -> int:
    """sm_90 → 90."""
    found = ARCHITECTURE.fullmatch(architecture)
    if found is None:
        raise ValueError(f"architecture {architecture!r}: expected one such as sm_90")
    return int(found.group(1))


def settle_versions() -> None:
    """A kernel's key in the cache names the version of ptxas, which Triton asks by starting it. It is Triton's own ptxas."""
    knobs.nvidia.mock_ptx_version = triton.__version__


def specialisation(kernel: str, compiling: dict) -> str:
    """From what Triton tells its hooks: "rows(x: *fp32, n: i32, BLOCK=1024; num_warps=4, num_stages=3)"."""
    constants = {path[0] if isinstance(path, tuple) else path: value for path, value in compiling["constants"].items()}
    parts = []
    for position, (name, kind) in enumerate(compiling["signature"].items()):
        parts.append(f"{name}={constants.get(position, constants.get(name))}" if kind == "constexpr" else f"{name}: {kind}")
    return f"{kernel}({', '.join(parts)}; num_warps={compiling['num_warps']}, num_stages={compiling['num_stages']})"


class WithoutDevice(DriverBase):
    """`launches` counts what would have been launched."""

    def __init__(self, architecture: str):
        super().__init__()
        self.architecture = number_of(architecture)
        self.launches = 0
        self.utils = self
        self.launcher_cls = lambda source, metadata: self.launch

    def launch(self, *args) -> None:
        self.launches += 1

    @classmethod
    def is_active(cls) -> bool:
        return True

    def map_python_to_cpp_type(self, ty: str) -> str:
        return ty

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.architecture, 32)

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def get_benchmarker(self):
        """Nothing can be timed: each configuration is compiled, and the first one that compiles is chosen."""
        def compile_only(kernel_call, quantiles=None, **kwargs):
            kernel_call()
            return [0.0] * len(quantiles or [0.5])

        return compile_only

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    # What `utils` is asked.

    def get_device_properties(self, device: int) -> dict:
        return {"max_shared_mem": SHARED_MEMORY.get(self.architecture, SMALLEST_SHARED_MEMORY)}

    def load_binary(self, name: str, binary: bytes, shared: int, device: int) -> tuple:
        return 1, 1, 0, 0, REGISTER_THREADS  # module, function, registers, spills, threads of a block

    def unload_module(self, module: int) -> None:
        pass
