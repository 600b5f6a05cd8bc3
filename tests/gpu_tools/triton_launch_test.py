"""The whole way of a Triton pass but for the device: compiled by the compile child, frozen, loaded and launched by the worker's
own launcher in a process that can start nothing, on the stand-in driver, whose device code is a host function."""

import ctypes
import os
import sys
import tempfile
import unittest
from pathlib import Path

import gpu_tools
import triton_compile_test as two_phases
from children import in_child

# double_kernel of the pass: its own parameters, without the constexpr, and Triton's two.
DOUBLE_ON_HOST = r"""
#include <cstdint>
extern "C" void double_on_host(void** parameters) {
  const float* x = *static_cast<const float**>(parameters[0]);
  float* out = *static_cast<float**>(parameters[1]);
  const int32_t count = *static_cast<int32_t*>(parameters[2]);
  for (int32_t i = 0; i < count; ++i) out[i] = x[i] * 2;
}
"""
SIZES = b"88488"


@gpu_tools.needs_tools
class TritonLaunchTest(unittest.TestCase):
    def launched(self, graph, count: int) -> list:
        """[whether the pass's answer was right, or what it raised]"""
        import lent_device
        from passnet_worker import capture, device, match, pass_files, triton_compile, triton_device

        files = two_phases.tuned_files()
        result, packed = two_phases.compiled(two_phases.job_for(files, [two_phases.double_graph()], "sm_90"))
        self.assertIsNone(result["error"])
        plan = two_phases.plan_for(graph, files, 0)
        seat = lent_device.Seat([(4,)])
        code = lent_device.compiled(DOUBLE_ON_HOST)
        with tempfile.TemporaryDirectory() as box:
            (Path(box) / "device.so").write_bytes(code)

            def work() -> list:
                import torch

                pass_files.CANDIDATE_ROOT = os.path.join(box, "candidate")
                where = device.attach(seat.layout()["device"], seat.inputs.fd, seat.arena.fd)
                fake, kernels = lent_device.fake_driver(), ctypes.CDLL(os.path.join(box, "device.so"))
                fake.passnet_fake_cuda_add_kernel(b"double_kernel", SIZES, kernels.double_on_host)
                triton_device.install(packed, os.path.join(box, "kernels"), where)
                sys.addaudithook(two_phases.start_nothing)
                captured = gpu_tools.captured_graph(graph, 0)
                gm = match.apply_plan(captured.gm, plan, triton_compile.load_function(files, plan))
                x = torch.arange(float(count))
                try:
                    (out,) = capture.direct_call(captured, gm, ["in_0"])(x)
                except Exception as error:
                    return [f"{type(error).__name__}: {error}"]
                import _passnet_worker as native

                return [native.device_error() == "" and bool(torch.equal(out, x * 2))]

            return in_child(work)

    def test_compiled_kernel_computes_when_it_is_launched(self):
        self.assertEqual(self.launched(two_phases.double_graph(), 1000), [True])

    def test_what_was_not_compiled_is_not_launched(self):
        (said,) = self.launched(two_phases.double_graph(count=2000), 2000)
        self.assertRegex(said, "^NewSpecialisation: double_kernel would be autotuned for new arguments")


if __name__ == "__main__":
    unittest.main()
