"""Triton's passes for bundled tasks against eager, by Triton's interpreter on the CPU: fp32 and fp16 at t = -5. (Its bf16 is
wrong; that kernels compile for it is triton_compile_test.py's matter.)"""

import os

os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported

import shutil
import tempfile
import unittest
from pathlib import Path

import gpu_tools
from children import in_child

TOLERANCES = {"float32": (1.3e-6, 1e-5), "float16": (1e-3, 1e-5)}  # rtol, atol at t = -5 (docs/passbench.md, section 6)


def chosen_graphs() -> list[tuple[str, "gpu_tools.Graph"]]:
    """The first graph of each of the two types of each task."""
    chosen = []
    for task in gpu_tools.tasks_with_passes():
        for dtype in TOLERANCES:
            chosen += [(task, graph) for graph in gpu_tools.graphs_of(task) if f"/{dtype}_" in graph.path][:1]
    return chosen


def differences(folder: Path, graph) -> list[str]:
    """What differs between eager's outputs and the pass's, the inputs that are changed in place among them."""
    import torch

    call, _ = gpu_tools.rewritten(graph, folder, 0)
    from passnet_worker import capture

    ours, eagers = gpu_tools.inputs_of(graph), gpu_tools.inputs_of(graph)
    with torch.no_grad():
        expected = [*capture.load_model(graph.source, "eager")(*eagers), *eagers]
        found = [*call(*ours), *ours]
    wrong = []
    for number, (one, other) in enumerate(zip(expected, found, strict=True)):
        rtol, atol = next(limits for dtype, limits in TOLERANCES.items() if f"/{dtype}_" in graph.path)
        if one.dtype != other.dtype or one.shape != other.shape:
            wrong.append(f"{number}: {other.dtype} {list(other.shape)}, expected {one.dtype} {list(one.shape)}")
        elif not torch.allclose(one, other, rtol=rtol, atol=atol, equal_nan=True):
            far = (one.double() - other.double()).abs()
            wrong.append(f"{number}: off by {far.max().item()}, {(far > atol + rtol * other.double().abs()).sum().item()} of "
                         f"{far.numel()} elements")
    return wrong


@gpu_tools.needs_tools
class TritonPassesTest(unittest.TestCase):
    def test_passes_compute_what_eager_computes(self):
        graphs = chosen_graphs()
        self.assertGreaterEqual(len({task for task, _ in graphs}), 6)
        for task, graph in graphs:
            with self.subTest(task, graph=graph.path):
                self.assertEqual(in_child(lambda: differences(gpu_tools.PASSES / task, graph)), [])

    def test_kernel_that_is_off_by_a_little_is_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(gpu_tools.PASSES / "swiglu", folder, dirs_exist_ok=True)
            file = Path(folder) / "SwiGlu.py"
            file.write_text(file.read_text().replace("tl.exp(-wide)", "tl.exp(-wide * 1.001)"))
            graph = gpu_tools.graphs_of("swiglu")[0]
            self.assertRegex(in_child(lambda: differences(Path(folder), graph))[0], "^0: off by")


if __name__ == "__main__":
    unittest.main()
