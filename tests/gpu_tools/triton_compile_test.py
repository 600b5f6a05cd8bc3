"""The two phases of a Triton pass, up to the launch: the compile child's work for sm_80 and sm_90, and a process that gets its
kernels and can start nothing."""

import json
import os
import sys
import tempfile
import unittest
from pathlib import Path

import gpu_tools
from children import in_child

TUNED = '''
import torch
import triton
import triton.language as tl


@triton.autotune(configs=[triton.Config({"BLOCK": 256}, num_warps=2), triton.Config({"BLOCK": 512}, num_warps=4)],
                 key=["count"])
@triton.jit
def double_kernel(x_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + at, tl.load(x_ptr + at, mask=at < count) * 2, mask=at < count)


def pattern(x):
    return x * 2


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def double(x):
    out = torch.empty_like(x)
    double_kernel[lambda meta: (triton.cdiv(x.numel(), meta["BLOCK"]),)](x, out, x.numel())
    return out


def replacement_func():
    return double
'''
DOUBLE = "import torch\n\n\nclass GraphModule(torch.nn.Module):\n    def forward(self, in_0):\n        return (in_0 * 2,)\n"


def double_graph(dtype: str = "float32", count: int = 1000):
    return gpu_tools.Graph("double", DOUBLE, [{"name": "in_0", "shape": [count], "dtype": dtype}])


def files_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def tuned_files() -> dict[str, str]:
    return {"Tuned.py": TUNED, "sorted_output_pass_rule_names.json": '["Tuned"]'}


def plan_for(graph, files: dict[str, str], number: int) -> dict:
    """In a child of its own, as matching is: the pass's files are not imported where they are compiled."""
    def work() -> dict:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                (Path(folder) / name).write_text(text)
            return gpu_tools.plan_of(gpu_tools.captured_graph(graph, number), Path(folder))

    return in_child(work)


def job_for(files: dict[str, str], graphs: list, architecture: str) -> dict:
    listed = [{"path": graph.path, "source": graph.source, "module": f"job_{number}", "inputs": graph.metas,
               "plan": plan_for(graph, files, number)} for number, graph in enumerate(graphs)]
    return {"architecture": architecture, "files": files, "graphs": listed}


def compiled(job: dict) -> tuple[dict, bytes]:
    """What the compile child leaves: its result and its pack."""
    with tempfile.TemporaryDirectory() as box:
        def work() -> dict:
            from passnet_worker import pass_files, triton_compile

            os.chdir(box)
            pass_files.CANDIDATE_ROOT = os.path.join(box, "candidate")
            Path("job.json").write_text(json.dumps(job))
            triton_compile.main()
            return json.loads(Path("result.json").read_text())

        result = in_child(work)
        return result, (Path(box) / "kernels.pack").read_bytes()


def timed(files: dict[str, str], packed: bytes, graphs: list, architecture: str = "sm_90") -> list:
    """What a timed process does before each launch, for each graph: how many launches it comes to, or the exception."""
    plans = [plan_for(graph, files, number) for number, graph in enumerate(graphs)]
    with tempfile.TemporaryDirectory() as box:
        def work() -> list:
            import triton
            from passnet_worker import capture, match, pass_files, triton_compile, triton_frozen, triton_target

            pass_files.CANDIDATE_ROOT = os.path.join(box, "candidate")
            triton_frozen.install(packed, os.path.join(box, "kernels"))
            driver = triton_target.WithoutDevice(architecture)
            triton.runtime.driver.set_active(driver)
            sys.addaudithook(start_nothing)
            told = []
            for number, (graph, plan) in enumerate(zip(graphs, plans)):
                before = driver.launches
                captured = gpu_tools.captured_graph(graph, number)
                gm = match.apply_plan(captured.gm, plan, triton_compile.load_function(files, plan))
                try:
                    capture.direct_call(captured, gm, [meta["name"] for meta in graph.metas])(
                        *capture.dummy_inputs(graph.metas))
                    told.append(driver.launches - before)
                except triton_frozen.NewSpecialisation as error:
                    told.append(str(error))
            return told

        return in_child(work)


def start_nothing(event: str, args: tuple) -> None:
    if event in ("subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system"):
        raise PermissionError(f"a timed process starts nothing: {event} {args[:2]}")


@gpu_tools.needs_tools
class TritonCompileTest(unittest.TestCase):
    def check_architecture(self, architecture: str, dtypes: tuple[str, ...]) -> None:
        for task in gpu_tools.tasks_with_passes():
            graphs = [next(graph for graph in gpu_tools.graphs_of(task) if f"/{dtype}_" in graph.path) for dtype in dtypes]
            with self.subTest(task):
                result, packed = compiled(job_for(files_of(gpu_tools.PASSES / task), graphs, architecture))
                self.assertIsNone(result["error"])
                # Each type is a kernel of its own.
                self.assertEqual({kernel["graph"] for kernel in result["kernels"]}, {graph.path for graph in graphs})
                self.assertEqual(packed.count(b"\x7fELF"), len(result["kernels"]))

    def test_bundled_passes_compile_to_sm_90(self):
        self.check_architecture("sm_90", ("float32", "bfloat16", "float16"))

    def test_bundled_passes_compile_to_sm_80(self):
        self.check_architecture("sm_80", ("float16",))

    def test_timed_process_has_what_was_compiled_and_nothing_else(self):
        files = files_of(gpu_tools.PASSES / "swiglu")
        graphs = {dtype: next(graph for graph in gpu_tools.graphs_of("swiglu") if f"/{dtype}_" in graph.path)
                  for dtype in ("float32", "float16")}
        result, packed = compiled(job_for(files, [graphs["float32"]], "sm_90"))
        self.assertIsNone(result["error"])
        known, new = timed(files, packed, [graphs["float32"], graphs["float16"]])
        self.assertEqual(known, 1)
        self.assertRegex(new, r"^swiglu_kernel\(packed_ptr: \*fp16, .*BLOCK=1024; num_warps=4, .* was not compiled before the timing began")

    def test_autotune_is_chosen_once(self):
        result, packed = compiled(job_for(tuned_files(), [double_graph()], "sm_90"))
        self.assertIsNone(result["error"])
        self.assertEqual([(note["kernel"], note["measured"]) for note in result["autotuned"]], [("double_kernel", False)])
        self.assertIn("BLOCK=256, num_warps=2", result["autotuned"][0]["choice"])
        # Another size is another choice, which a timed process does not make.
        known, new = timed(tuned_files(), packed, [double_graph(), double_graph(count=2000)])
        self.assertEqual(known, 1)
        self.assertIn("double_kernel would be autotuned for new arguments", new)

    def test_kernel_that_does_not_compile_is_told_with_its_words(self):
        files = tuned_files()
        files["Tuned.py"] = TUNED.replace("* 2, mask", "* undefined_name, mask")
        result, packed = compiled(job_for(files, [double_graph()], "sm_90"))
        self.assertEqual(packed, b"")
        self.assertIn("undefined_name is not defined", result["error"]["text"])


if __name__ == "__main__":
    unittest.main()
