"""What the native recorder makes of calls of a candidate's function, and that launches.py makes the same calls of it again.

One process plays both sides: the run commands are written before the runner serves them.
"""

import ctypes
import json
import os
import socket
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import worker_path

import torch

import _passnet_worker as native
from passnet_worker import launches

CALL, TELL, CENSUS = 1, 3, 1
COMMAND, REPLY_BYTES = struct.Struct("<IIIIQII"), 24
MAGIC = 0x31524E50
SLOTS, SHAPE = 2, (4, 8)
FLOAT32 = 6  # c10::ScalarType
KERNEL = r"""
#include <passnet_kernel.h>
// out = in * scalars[0] + scalars[1], for contiguous floats.
extern "C" int scale(const PnCall* call) {
  int64_t count = 1;
  for (int d = 0; d < call->outputs[0].ndim; ++d) count *= call->outputs[0].shape[d];
  const float* in = static_cast<const float*>(call->inputs[0].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i] * call->scalars[0].f + call->scalars[1].i);
  return 0;
}
"""


def compiled(folder: Path) -> str:
    source, made = folder / "kernel.cc", folder / "kernel.so"
    source.write_text(KERNEL)
    include = worker_path.SOURCE / "evaluator" / "worker"
    subprocess.run(["c++", "-shared", "-fPIC", "-O1", f"-I{include}", "-o", made, source], check=True)
    return str(made)


class RecorderTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.object = compiled(Path(cls.folder.name))
        cls.kernel = native.load_kernel(cls.object, "kernel")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def told(self, function, calls: int = 1) -> dict:
        """What a census of SLOTS calls tells of replaying, where a call of the graph calls `function` so many times."""
        marked = native.Marked(function)

        def graph(x):
            return tuple(marked(x) for _ in range(calls))

        stride = 4 * SHAPE[0] * SHAPE[1]
        out_stride = 64 + 152 * calls
        inputs, outputs = os.memfd_create("in"), os.memfd_create("out")
        os.ftruncate(inputs, SLOTS * stride)
        os.ftruncate(outputs, SLOTS * out_stride)
        ours, theirs = socket.socketpair()
        runner = native.Runner(theirs.fileno())
        runner.attach(inputs, SLOTS * stride, outputs, SLOTS * out_stride, SLOTS, stride, out_stride,
                      [(FLOAT32, SHAPE, 0)], calls, 0)
        runner.set_call(graph, None, None, False)
        ours.sendall(COMMAND.pack(MAGIC, CALL, 0, SLOTS, 1, CENSUS, 0) + COMMAND.pack(MAGIC, TELL, 0, 0, 2, 0, 0))
        ours.shutdown(socket.SHUT_WR)
        self.assertFalse(runner.serve())
        theirs.close()
        answer = b""
        while part := ours.recv(1 << 16):
            answer += part
        self.assertEqual(struct.unpack_from("<QII", answer)[1], 0, answer)
        ours.close()
        os.close(inputs)
        os.close(outputs)
        return json.loads(answer[REPLY_BYTES + 4:])["replay"]

    def scaled(self, x, factor=2.0, more=1):
        out = torch.empty_like(x)
        self.kernel.scale((x,), (out,), (factor, more))
        return out

    def replayed(self, told: dict):
        self.assertEqual(told["why"], "")
        return launches.function_of(told["calls"], lambda name: native.load_kernel(self.object, name))

    def test_launches_are_made_again(self):
        function = self.replayed(self.told(self.scaled))
        x = torch.randn(SHAPE)
        self.assertTrue(torch.equal(function(x), self.scaled(x)))

    def test_views_temporaries_and_tuples_are_too(self):
        def two_rows(x):
            rows, out = torch.empty((2, 8)), torch.empty_strided((8, 4), (1, 8))
            self.kernel.scale((x[1:3],), (rows,), (3.0, 0))
            self.kernel.scale((rows[1],), (out.t()[2],), (1.0, -5))
            return out, rows[1], x

        x = torch.randn(SHAPE)
        found, wanted = self.replayed(self.told(two_rows))(x), two_rows(x)
        self.assertTrue(torch.equal(found[0].t()[2], wanted[0].t()[2]))
        self.assertEqual(found[0].stride(), wanted[0].stride())
        self.assertTrue(torch.equal(found[1], wanted[1]))
        self.assertEqual(found[2].data_ptr(), x.data_ptr())

    def test_calls_of_one_graph_take_turns(self):
        turn = [0]

        def by_turns(x):
            turn[0] = (turn[0] + 1) % 2
            return self.scaled(x, 2.0 + turn[0])

        told = self.told(by_turns, calls=2)
        self.assertEqual(len(told["calls"]), 2)
        function, x = self.replayed(told), torch.randn(SHAPE)
        for factor in (3.0, 2.0, 3.0):
            self.assertTrue(torch.equal(function(x), self.scaled(x, factor)))

    def test_what_no_list_says_is_named(self):
        kept, count = torch.ones(SHAPE), [0]

        def counting(x):
            count[0] += 1
            return self.scaled(x, float(count[0]))

        def copying(x):
            out = torch.empty_like(x)
            out.copy_(x)
            self.kernel.scale((x,), (out,), (1.0, 0))
            return out

        def as_integers(x):
            out = torch.empty_like(x)
            self.kernel.scale((x.view(torch.int32),), (out,), (1.0, 0))
            return out

        cases = {"neither one of the call's inputs nor memory": lambda x: self.scaled(kept),
                 "torch writes beside its kernels (aten::copy_)": copying,
                 "what it returns is neither": lambda x: (self.scaled(x), kept),
                 "not the same in every call": counting,
                 "something that is no tensor": lambda x: (self.scaled(x), None)[1],
                 "another type than the memory": as_integers}
        for why, function in cases.items():
            with self.subTest(why):
                told = self.told(function)
                self.assertIn(why, told["why"])
                self.assertEqual(told["calls"], [])


class ScalarTest(unittest.TestCase):
    def test_bits_are_the_number_again(self):
        for value in (0.1, -0.0, float("inf"), 1e-310):
            bits = ctypes.c_int64.from_buffer_copy(ctypes.c_double(value)).value
            self.assertEqual(repr(launches.scalar_of({"float": True, "bits": bits})), repr(value))
        self.assertEqual(launches.scalar_of({"float": False, "bits": -(1 << 63)}), -(1 << 63))


if __name__ == "__main__":
    unittest.main()
