"""Triton in a timed process of a CUDA lane: its driver. Triton's own compiles C when it is first asked for, and runs ldconfig to
find libcuda, neither of which a jail lets it; this one loads and launches by the native module, which is attached to the device
already and lets the observer see every launch.

What a launch here cannot do is refused by name: clusters, cooperative grids, programmatic dependent launches, tensor
descriptors made by the host.

Threads: single-threaded. Errors: RuntimeError with the CUDA error's name, Unsupported.
Source: triton.backends.nvidia.driver, triton.compiler.CompiledKernel (Triton 3.6 to 3.8).
"""

from typing import Any, Callable

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.driver import DriverBase

import _passnet_worker as native

from . import triton_frozen

# CUdevice_attribute.
COMPUTE_MAJOR, COMPUTE_MINOR, MOST_SHARED_MEMORY = 75, 76, 97
WARP = 32


class Unsupported(Exception):
    """A kernel that this lane does not launch."""


def install(packed: bytes, folder: str, where: torch.device) -> None:
    """Before the candidate's code runs. `packed`: what the evaluator has checked."""
    triton_frozen.install(packed, folder)
    triton.runtime.driver.set_active(OnDevice(where))


class OnDevice(DriverBase):
    def __init__(self, where: torch.device):
        super().__init__()
        self.where = where
        self.target = GPUTarget("cuda", 10 * native.device_attribute(COMPUTE_MAJOR) + native.device_attribute(COMPUTE_MINOR), WARP)
        self.properties = {"max_shared_mem": native.device_attribute(MOST_SHARED_MEMORY)}
        # Asked at every launch: torch's own function, without one of ours around it.
        self.get_current_stream = torch._C._cuda_getCurrentRawStream if where.type == "cuda" else lambda device: 0
        self.utils = self
        self.launcher_cls = self.launcher

    def launcher(self, source: Any, metadata: Any) -> Callable:
        """What a kernel is launched by."""
        if metadata.num_ctas != 1:
            raise Unsupported(f"{metadata.name}: num_ctas={metadata.num_ctas}; a kernel of this lane has one block a cluster")
        for name in ("launch_cooperative_grid", "launch_pdl"):
            if getattr(metadata, name, False):
                raise Unsupported(f"{metadata.name}: {name} is not on this lane")
        types = list(source.signature.values())
        launch = native.TritonLauncher(metadata.name, types, WARP * metadata.num_warps, metadata.shared)
        scratch = getattr(metadata, "global_scratch_size", 0)
        return self.with_scratch(launch, scratch) if scratch else launch

    def with_scratch(self, launch: Callable, bytes_a_block: int) -> Callable:
        def run(x, y, z, stream, function, packed_metadata, *rest):
            memory = torch.empty(x * y * z * bytes_a_block, dtype=torch.int8, device=self.where)
            launch(x, y, z, stream, function, memory.data_ptr(), *rest)

        return run

    @classmethod
    def is_active(cls) -> bool:
        return True

    def map_python_to_cpp_type(self, ty: str) -> str:
        return ty

    def get_current_target(self) -> GPUTarget:
        return self.target

    def get_active_torch_device(self) -> torch.device:
        return self.where

    def get_benchmarker(self):
        raise triton_frozen.NewSpecialisation("nothing is tuned while it is timed")

    def get_current_device(self) -> int:
        return self.where.index or 0

    # What `utils` is asked.

    def get_device_properties(self, device: int) -> dict:
        return self.properties

    def load_binary(self, name: str, binary: bytes, shared: int, device: int) -> tuple:
        return native.triton_load(name, binary, shared)

    def unload_module(self, module: int) -> None:
        pass
