"""A process of a CUDA lane on the stand-in driver: attached once its jail is closed, its inputs, its outputs and all that its
torch allocates in what the evaluator lends; and that everything which works on tensors takes them from there."""

import ctypes
import os
import random
import struct
import tempfile
import types
import unittest

import worker_path  # noqa: F401  (before torch)

import torch

import lent_device
from children import in_child, plan_for
from lent_device import CALL, TENSOR, Seat, Worker

import _passnet_worker as native
from passnet_worker import calls, capture, channel as channels, device, pass_files, roles

SHAPE = (4, 8)
CENSUS, GHOST = 1, 2  # PnObserve
MODEL = """
import torch
from torch import device


class GraphModule(torch.nn.Module):
    def forward(self, in_0, in_1):
        total = in_0 + in_1
        steps = torch.arange(8, device=device(type='cuda', index=0))
        return (total * steps, in_0)
"""
PASS = """
import torch
import passnet_kernels

_k = passnet_kernels.load("add")


def pattern(x, y):
    return x + y


def replacement_args(x, y):
    return (x, y)


@torch.fx.wrap
def total(x, y):
    out = torch.empty_like(x)
    _k.add((x, y), (out,))
    return out


def replacement_func():
    return total
"""
KERNEL = r"""
#include <passnet_kernel.h>
extern "C" int add(const PnCall* call) {
  const float* x = static_cast<const float*>(call->inputs[0].data);
  const float* y = static_cast<const float*>(call->inputs[1].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int i = 0; i < 32; ++i) out[i] = x[i] + y[i];
  return call->stream == nullptr ? 0 : 1;
}
"""
# Of the stand-in: beside the process, on copies of its parameters.
DEVICE_KERNEL = r"""
#include <cstdint>
extern "C" void scale(void** parameters) {
  const float* x = *static_cast<const float**>(parameters[0]);
  float* out = *static_cast<float**>(parameters[1]);
  const int32_t count = *static_cast<int32_t*>(parameters[2]);
  const float by = *static_cast<float*>(parameters[3]);
  const uint16_t half = *static_cast<uint16_t*>(parameters[4]);
  const uint64_t scratch = *static_cast<uint64_t*>(parameters[5]);
  for (int32_t i = 0; i < count; ++i) out[i] = x[i] * by;
  out[count] = half;
  out[count + 1] = static_cast<float>(scratch);
}
"""


def task_state(source: str = MODEL) -> roles.TaskState:
    torch._dynamo.reset()
    task_state.number = getattr(task_state, "number", 0) + 1
    metas = [{"name": name, "shape": list(SHAPE), "dtype": "float32"} for name in ("in_0", "in_1")]
    return roles.TaskState({"source": source, "module": f"device_model_{task_state.number}", "inputs": metas})


def expected(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (x + y) * torch.arange(8)


class LaneTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        before = pass_files.CANDIDATE_ROOT
        self.addCleanup(lambda: setattr(pass_files, "CANDIDATE_ROOT", before))
        pass_files.CANDIDATE_ROOT = folder.name
        self.seat = Seat([SHAPE, SHAPE], outputs=2)

    def started(self, make_role, first_frame: dict, fds: list[int]) -> Worker:
        worker = Worker(make_role, first_frame, fds)
        self.addCleanup(worker.end)
        return worker

    def reference(self, state: roles.TaskState, role: type = calls.Reference, mode: str = "eager", **lent) -> Worker:
        worker = self.started(lambda channel: role(channel, state), {"layout": self.seat.layout(**lent)}, self.seat.fds())
        if worker.jailed["jailed"]:
            self.assertEqual(worker.command({"cmd": "configure", "mode": mode, "seed_each_call": False}), {"ok": True})
        return worker

    def check_answers(self, worker: Worker, expected=expected) -> None:
        drawn = self.seat.fill()
        reply = worker.run(CALL, self.seat.slots)
        self.assertEqual((reply.status, reply.calls), (0, self.seat.slots), reply.error)
        for slot, (x, y) in enumerate(drawn):
            computed, given = self.seat.told(slot)
            self.assertEqual((computed.kind, given.kind), (TENSOR, TENSOR))
            self.assertGreaterEqual(computed.data, lent_device.ARENA_AT)
            torch.testing.assert_close(self.seat.value(computed), expected(x, y), rtol=0, atol=0)
            self.assertEqual(given.data, lent_device.INPUTS_AT + slot * self.seat.stride)


class ReferenceTest(LaneTest):
    def test_answers_lie_in_what_the_evaluator_lends(self):
        worker = self.reference(task_state())
        self.assertEqual(worker.jailed, {"jailed": True})
        self.check_answers(worker)
        self.check_answers(worker)

    def test_run_of_no_calls_keeps_the_answers(self):
        worker = self.reference(task_state())
        self.check_answers(worker)
        before = bytes(self.seat.arena.memory)
        self.assertEqual(worker.run(CALL, 0).calls, 0)
        self.assertEqual(bytes(self.seat.arena.memory), before)

    def test_answers_of_a_run_share_no_memory(self):
        worker = self.reference(task_state())
        self.check_answers(worker)
        self.assertNotEqual(self.seat.told(0)[0].data, self.seat.told(1)[0].data)

    def test_way_to_ready_tensors_is_counted_behind_dynamo(self):
        worker = self.reference(task_state(), mode="null_dynamo")
        reply = worker.run(CALL, 2)
        self.assertEqual((reply.status, reply.graph_calls), (0, 2), reply.error)

    def test_command_attaches_as_a_first_frame_does(self):
        state = task_state()
        # What was configured before is the model's that is loaded for the device.
        state.message = {**state.message, "source": MODEL.replace("in_0 + in_1", "in_0 - in_1")}
        worker = self.started(lambda channel: calls.Reference(channel, state), {}, [])
        configure = {"cmd": "configure", "mode": "eager", "seed_each_call": False}
        self.assertEqual(worker.command(configure), {"ok": True})
        attach = {**self.seat.layout(), "cmd": "attach"}
        self.assertEqual(worker.command(attach, self.seat.fds()), {"ok": True})
        self.check_answers(worker, lambda x, y: (x - y) * torch.arange(8))
        again = worker.command(attach, self.seat.fds())
        self.assertIn("attached to its device already", again["error"])

    def test_probe_and_profile_are_of_the_device(self):
        worker = self.reference(task_state())
        computed, given = worker.command({"cmd": "probe"})["outputs"]
        self.assertEqual((computed["alias"], given["alias"], given["shape"]), (-1, 0, list(SHAPE)))
        self.assertIn("mul", worker.command({"cmd": "profile"})["seconds"])

    def test_seats_descriptors_lie_where_the_plan_keeps_them(self):
        def kept() -> list[str]:
            device.keep([os.dup(fd) for fd in self.seat.fds()])
            return [os.readlink(f"/proc/self/fd/{number}") for number in device.SEAT_FDS]

        # What a child answers on must not be among the numbers that are taken over.
        before = [os.open("/dev/null", os.O_RDONLY) for _ in range(8)]
        self.addCleanup(channels.close_all, before)
        self.assertEqual(in_child(kept), [f"/memfd:seat-{name} (deleted)" for name in ("headers", "inputs", "arena")])

    def test_no_descriptor_of_the_seat_is_left_once_it_is_jailed(self):
        worker = self.reference(task_state())
        self.assertEqual(set(worker.descriptors()) & set(device.SEAT_FDS), set())

    def test_what_cannot_be_attached_is_ours_and_named(self):
        cases = {"no GPU-0 is among the 1 devices": {"uuid": "GPU-0"},
                 "the CUDA driver cannot be loaded: /nowhere/libcuda.so.1": {"driver": "/nowhere/libcuda.so.1"}}
        for what, lent in cases.items():
            with self.subTest(what):
                jailed = self.reference(task_state(), **lent).jailed
                self.assertEqual((jailed["jailed"], jailed["step"]), (False, "device"))
                self.assertIn(what, jailed["what"])

    def test_other_capture_than_the_task_childs_is_ours(self):
        state = task_state()
        state.message = {**state.message, "source": MODEL.replace("total * steps", "total - steps")}

        class Capturing(calls.Reference):
            def moved(self) -> None:
                super().moved()
                self.state.captured

        jailed = self.reference(state, Capturing).jailed
        self.assertEqual((jailed["jailed"], jailed["step"]), (False, "device"))
        self.assertRegex(jailed["what"], r"Dynamo captures another graph than on the CPU: sub.* instead of mul")

    def test_device_that_failed_names_the_error_last(self):
        class Faulty(calls.Reference):
            def configure(self, message: dict, fds: list[int]) -> dict:
                Faulty.call = ctypes.c_char_p(b"cuCtxSynchronize")
                lent_device.fake_driver().passnet_fake_cuda_fail(Faulty.call, 700)
                return super().configure(message, fds)

        reply = self.reference(task_state(), Faulty).run(CALL, 1)
        self.assertEqual(reply.status, 1)
        self.assertEqual(reply.error.splitlines()[-1], "device error: CUDA_ERROR_ILLEGAL_ADDRESS (of the stand-in driver)")


class CandidateTest(LaneTest):
    @classmethod
    def setUpClass(cls):
        cls.object = lent_device.compiled(KERNEL)

    def candidate(self, text: str = PASS, call_path: str = "dynamo", **changes) -> tuple[Worker, dict]:
        """And what it says of its installation."""
        state = task_state()
        files = {"Add.py": text, "sorted_output_pass_rule_names.json": '["Add"]'}
        role = changes.pop("role", calls.Candidate)
        frame = {"layout": self.seat.layout(), "files": files, "plan": plan_for(state.captured, files),
                 "call_path": call_path, "seed_each_call": False, "kernels": ["add"], **changes}
        worker = self.started(lambda channel: role(channel, state), frame,
                              self.seat.fds() + [lent_device.file_of(self.object)])
        self.assertEqual(worker.jailed, {"jailed": True})
        return worker, worker.channel.receive()[0]

    def test_kernels_work_on_lent_memory_behind_dynamo_and_without(self):
        for call_path in ("dynamo", "direct"):
            with self.subTest(call_path):
                self.seat = Seat([SHAPE, SHAPE], outputs=2)
                worker, installed = self.candidate(call_path=call_path)
                self.assertEqual(installed, {"installed": True})
                self.check_answers(worker)
                if call_path == "dynamo":
                    self.assertEqual(worker.run(CALL, 1).graph_calls, self.seat.slots + 1)

    def test_full_arena_is_an_exception_that_says_so(self):
        greedy = PASS.replace("out = torch.empty_like(x)", "out = torch.empty_like(x)\n    torch.empty(1 << 28)")
        worker, installed = self.candidate(greedy)
        self.assertEqual(installed, {"installed": True})
        reply = worker.run(CALL, 1)
        self.assertEqual(reply.status, 1)
        self.assertRegex(reply.error.splitlines()[-1], r"OutOfMemoryError: the lane's arena has no piece of 1073741824 bytes left")

    def test_tensors_of_another_device_are_refused_by_kernels(self):
        worker, _ = self.candidate(PASS.replace("(out,))", "(out.to('meta'),))"))
        self.assertIn("outputs[0]: a strided tensor of a basic dtype on the lane's device", worker.run(CALL, 1).error)

    def test_witness_sees_and_leaves_out_on_lent_memory(self):
        worker, _ = self.candidate()
        self.seat.fill()
        self.assertEqual(worker.run(CALL, 2, CENSUS).status, 0)
        told = worker.census()
        self.assertEqual(told["kernels"], [{"name": "add", "count": 2}])
        self.assertEqual((told["functions"], told["unexplained"], told["lost"]), (2, 0, False))
        self.assertEqual(told["replay"]["why"], "")
        self.assertEqual(worker.run(CALL, 2, GHOST).status, 0)
        self.assertTrue(self.seat.value(self.seat.told(0)[0]).isnan().all())
        self.replayed(told["replay"]["calls"])

    def replayed(self, launches: list[dict]) -> None:
        self.seat = Seat([SHAPE, SHAPE], outputs=2)
        worker, installed = self.candidate(role=calls.Replay, launches=launches)
        self.assertEqual(installed, {"installed": True})
        self.check_answers(worker)

    def test_tritons_launches_are_seen_and_left_out_too(self):
        text = PASS.replace("_k.add((x, y), (out,))", "launch(x, y, out)").replace('passnet_kernels.load("add")', "None")
        text += LAUNCHING.format(driver=lent_device.DRIVER, object=self.device_object())
        worker, installed = self.candidate(text)
        self.assertEqual(installed, {"installed": True})
        self.check_answers(worker)
        self.assertEqual(worker.run(CALL, 2, CENSUS).status, 0)
        told = worker.census()
        self.assertEqual(told["kernels"], [{"name": "sum", "count": 2}])
        self.assertEqual(told["unexplained"], 0)
        self.assertIn("kernels of Triton's", told["replay"]["why"])
        self.assertEqual(worker.run(CALL, 2, GHOST).status, 0)
        self.assertTrue(self.seat.value(self.seat.told(0)[0]).isnan().all())

    def device_object(self) -> str:
        path = os.path.join(pass_files.CANDIDATE_ROOT, "device.so")
        with open(path, "wb") as file:
            file.write(lent_device.compiled(SUM_KERNEL))
        return path


SUM_KERNEL = r"""
extern "C" void sum(void** parameters) {
  const float* x = *static_cast<const float**>(parameters[0]);
  const float* y = *static_cast<const float**>(parameters[1]);
  float* out = *static_cast<float**>(parameters[2]);
  for (int i = 0; i < 32; ++i) out[i] = x[i] + y[i];
}
"""
# What triton_device.py makes of a compiled kernel, without Triton.
LAUNCHING = """
import ctypes
import _passnet_worker as native

_loaded = []


def launch(x, y, out):
    if not _loaded:
        fake, code = ctypes.CDLL("{driver}"), ctypes.CDLL("{object}")
        fake.passnet_fake_cuda_add_kernel(b"sum", b"888", code.sum)
        function = native.triton_load("sum", b"\\x7fELF and nothing else", 0)[1]
        _loaded.extend([code, native.TritonLauncher("sum", ["*fp32", "*fp32", "*fp32"], 32, 0), function])
    _loaded[1](1, 1, 1, 0, _loaded[2], (), None, None, None, x, y, out)
    native.device_error()  # torch's own work is on no stream of the stand-in's
"""


class LauncherTest(unittest.TestCase):
    """TritonLauncher: what a kernel gets of what it is called with."""

    def attached(self, work):
        seat = Seat([SHAPE])

        def child():
            lent = seat.layout()["device"]
            device.attach(lent, seat.inputs.fd, seat.arena.fd)
            return work(torch.arange(8.0), torch.zeros(16))

        return in_child(child)

    def loaded(self) -> int:
        with tempfile.NamedTemporaryFile(suffix=".so") as file:
            file.write(lent_device.compiled(DEVICE_KERNEL))
            file.flush()
            self.kernels = ctypes.CDLL(file.name)
        lent_device.fake_driver().passnet_fake_cuda_add_kernel(b"scale", b"884428", self.kernels.scale)
        return native.triton_load("scale", b"\x7fELF and nothing else", 1 << 16)[1]

    def test_values_arrive_by_type(self):
        def work(x, out):
            launch = native.TritonLauncher("scale", ["*fp32", "*fp32", "constexpr", ("i32", "fp32"), "bf16"], 128, 0)
            launch(1, 1, 1, 0, self.loaded(), 77, None, None, None, x, out, "left out", (8, 2.5), 1.0)
            self.assertEqual(native.device_error(), "")
            return out.tolist()

        bfloat16_one = struct.unpack("<H", torch.ones(1, dtype=torch.bfloat16).view(torch.int16).numpy().tobytes())[0]
        self.assertEqual(self.attached(work), [2.5 * i for i in range(8)] + [bfloat16_one, 77.0] + [0.0] * 6)

    def test_empty_grid_launches_nothing(self):
        def work(x, out):
            launch = native.TritonLauncher("scale", ["*fp32", "*fp32", "i32", "fp32", "fp16"], 128, 0)
            launch(1, 0, 1, 0, self.loaded(), (), None, None, None, x, out, 8, 2.5, 1.0)
            self.assertEqual(native.device_error(), "")
            return out.tolist()

        self.assertEqual(self.attached(work), [0.0] * 16)

    def test_what_cannot_be_passed_is_named(self):
        with self.assertRaisesRegex(TypeError, "an argument of type tensordesc<fp16> cannot be passed|tensordesc"):
            native.TritonLauncher("scale", ["tensordesc<fp16[64, 64]>"], 128, 0)
        launch = native.TritonLauncher("scale", ["*fp32"], 128, 0)
        with self.assertRaisesRegex(TypeError, "2 arguments for a kernel that takes 1"):
            launch(1, 1, 1, 0, 0, (), None, None, None, None, None)

    def test_failed_launch_names_kernel_and_error(self):
        def work(x, out):
            function = self.loaded()
            launch = native.TritonLauncher("scale", ["*fp32", "*fp32", "i32", "fp32", "fp16"], 128, 0)
            call = ctypes.c_char_p(b"cuLaunchKernel")
            lent_device.fake_driver().passnet_fake_cuda_fail(call, 700)
            with self.assertRaisesRegex(RuntimeError, "launch of scale: CUDA_ERROR_ILLEGAL_ADDRESS"):
                launch(1, 1, 1, 0, function, (), None, None, None, x, out, 8, 2.5, 1.0)
            return True

        self.assertTrue(self.attached(work))


class ArenaTest(unittest.TestCase):
    def in_arena(self, size: int, work):
        seat = Seat([SHAPE], arena=size)

        def child():
            device.attach(seat.layout()["device"], seat.inputs.fd, seat.arena.fd)
            return work()

        return in_child(child)

    def test_pieces_are_apart_and_all_come_back(self):
        def work() -> bool:
            draw, held = random.Random(7), []
            for _ in range(4000):
                if held and draw.random() < 0.5:
                    held.pop(draw.randrange(len(held)))
                else:
                    try:
                        held.append(torch.empty(draw.randint(1, 40_000), dtype=torch.uint8))
                    except torch.OutOfMemoryError:
                        held.pop(draw.randrange(len(held)))
                places = sorted((tensor.data_ptr(), tensor.nbytes) for tensor in held)
                for (at, size), (after, _) in zip(places, places[1:]):
                    if at + size > after or at % 512:
                        return False
            held.clear()
            return torch.empty(1 << 20, dtype=torch.uint8).nbytes == 1 << 20

        self.assertTrue(self.in_arena(1 << 20, work))

    def test_smallest_piece_that_fits_is_taken(self):
        def work() -> list[int]:
            blocks = [torch.empty(size, dtype=torch.uint8) for size in (8192, 512, 2048, 512, 4096, 512)]
            small = blocks[2].data_ptr()
            blocks[0] = blocks[2] = blocks[4] = None
            return [small, torch.empty(1600, dtype=torch.uint8).data_ptr()]

        small, taken = self.in_arena(1 << 20, work)
        self.assertEqual(taken, small)

    def test_memory_from_elsewhere_is_noticed_at_once(self):
        seat = Seat([SHAPE])

        def child() -> bool:
            device.native = types.SimpleNamespace(attach_device=lambda *lent: 0, is_lent=native.is_lent)
            with self.assertRaisesRegex(RuntimeError, "torch's memory on cpu does not come from what the evaluator lends"):
                device.attach(seat.layout()["device"], seat.inputs.fd, seat.arena.fd)
            return True

        self.assertTrue(in_child(child))

    def test_full_arena_tells_what_is_in_use(self):
        def work() -> str:
            held = torch.empty(1 << 15, dtype=torch.uint8)
            with self.assertRaises(torch.OutOfMemoryError) as raised:
                torch.empty(1 << 16, dtype=torch.uint8)
            return f"{held.nbytes}: {raised.exception}"

        self.assertRegex(self.in_arena(1 << 16, work),
                         "^32768: the lane's arena has no piece of 65536 bytes left: 32768 of its 65536 are in use")


class MovedTextTest(unittest.TestCase):
    def test_literals_of_any_device_become_the_processes(self):
        cuda = torch.device("cuda", 1)
        for text in ("device(type='cpu')", "device(type='cuda', index=0)", "device(type='cuda')"):
            self.assertEqual(device.source_for(f"x.to({text})", cuda), "x.to(device(type='cuda', index=1))")
        self.assertEqual(device.source_for("x.to(device(type='cuda', index=3))", device.CPU), "x.to(device(type='cpu'))")

    def test_plans_name_the_processes_device(self):
        plan = {"rewrites": [{"args": [{"node": "x"}, {"const": {"device": "cpu"}}, {"tuple": [{"const": {"device": "cpu"}}]}]}]}
        moved = device.plan_for(plan, torch.device("cuda", 0))
        self.assertEqual(moved["rewrites"][0]["args"],
                         [{"node": "x"}, {"const": {"device": "cuda:0"}}, {"tuple": [{"const": {"device": "cuda:0"}}]}])

    def test_captures_for_two_devices_differ_in_nothing_else(self):
        one, other = task_state().captured, task_state().captured
        for node in other.gm.graph.nodes:
            node.kwargs = {key: torch.device("cuda", 0) if key == "device" else value for key, value in node.kwargs.items()}
        self.assertIsNone(capture.difference(one, other))
        (steps,) = [node for node in other.gm.graph.nodes if node.name == "steps"]
        steps.args = (9,)
        self.assertRegex(capture.difference(one, other), r"steps = .*\(9,\).* instead of .*\(8,\)")


class HiddenDeviceTest(unittest.TestCase):
    """Dynamo asks torch at every capture whether there is a GPU, which would load the driver in an ancestor."""

    def test_torch_sees_no_gpu_until_a_process_attaches(self):
        def work() -> list:
            asked = []
            torch._C._cuda_getDeviceCount = lambda: asked.append("driver") or 1
            torch.cuda._is_compiled = lambda: True
            device.hide()
            task_state()
            hidden = [torch.cuda.is_available(), torch.cuda.device_count(), list(asked)]
            device.show()
            return [*hidden, torch.cuda.is_available(), asked]

        self.assertEqual(in_child(work), [False, 0, [], True, ["driver"]])

    def test_torch_inductor_asks_for_the_gpu_wherever_it_compiles_and_opens_none(self):
        def work() -> list:
            from torch._inductor import codecache
            opened = []
            # As in torch's flavour for CUDA.
            torch._C._cuda_getDeviceCount = lambda: 1
            torch._C._cuda_init = lambda: opened.append("driver")
            torch.cuda._cudart = object()
            system = codecache.CacheBase.get_system
            system.cache_clear()
            device.hide()
            told = "device" in system()
            kept = system.cache_info().currsize
            device.show()
            return [told, kept, system.cache_info().currsize, opened]

        self.assertEqual(in_child(work), [False, 1, 0, []])


if __name__ == "__main__":
    unittest.main()
