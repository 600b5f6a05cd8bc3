"""What of TorchInductor's processes can be shown without a device: what is compiled where, and that no parent opens a device.

No compiler runs: torch.compile is exchanged for something that notes what it was given.
"""

import os
import socket
import tempfile
import unittest
from unittest import mock

import worker_path  # noqa: F401  (before torch)

import torch

from passnet_worker import channel as channels, inductor

SOURCE = """
import torch


class GraphModule(torch.nn.Module):
    def forward(self, rows, index):
        return (rows[index],)
"""
MESSAGE = {"device": "cpu", "source": SOURCE, "module": "test_inductor", "seed_each_call": False,
           "inputs": [{"name": "rows", "shape": [4, 3], "dtype": "float16"}, {"name": "index", "shape": [2], "dtype": "int64"}]}


class Compiled:
    """Stands for a compiled model."""

    def __init__(self, model):
        self.model, self.calls = model, []

    def __call__(self, *args, **named):
        self.calls.append({name: (tuple(tensor.shape), tensor.dtype) for name, tensor in named.items()})
        return self.model(*args, **named)


class InductorTest(unittest.TestCase):
    def setUp(self):
        ours, theirs = socket.socketpair()
        self.addCleanup(ours.close)
        self.process = inductor.Inductor(channels.Channel(theirs.detach()))
        self.addCleanup(self.process.channel.close)
        self.made = []
        patch = mock.patch.object(torch, "compile", self.compile)
        patch.start()
        self.addCleanup(patch.stop)

    def compile(self, model):
        self.made.append(Compiled(model))
        return self.made[-1]

    def test_compile_makes_one_call_on_inputs_of_the_graph(self):
        self.assertEqual(self.process.compile(dict(MESSAGE), []), {"ok": True})
        self.assertEqual(len(self.made), 1)
        self.assertEqual(self.made[0].calls, [{"rows": ((4, 3), torch.float16), "index": ((2,), torch.int64)}])

    def test_load_makes_none(self):
        self.assertEqual(self.process.load(dict(MESSAGE), []), {"ok": True})
        self.assertEqual(self.made[0].calls, [])

    def test_parent_that_has_opened_a_device_is_no_parent(self):
        with mock.patch.object(torch.cuda, "is_initialized", return_value=True):
            with self.assertRaisesRegex(RuntimeError, "no process that forks may"):
                inductor.warm("cpu")
        inductor.warm("cpu")

    def test_device_half_is_imported_without_a_device(self):
        with mock.patch.object(torch.cuda, "init", side_effect=AssertionError("asked the device")):
            inductor.import_device_half()
        self.assertFalse(torch.cuda.is_initialized())

    def test_driver_is_found_where_it_was_loaded(self):
        with tempfile.TemporaryDirectory() as folder:
            maps = os.path.join(folder, "maps")
            with open(maps, "w", encoding="utf-8") as file:
                file.write("7f0000000000-7f0000001000 r--p 00000000 08:01 7    /usr/lib/libcudart.so.13\n"
                           "7f0000002000-7f0000003000 rw-p 00000000 00:00 0    [heap]\n"
                           "7f0000004000-7f0000005000 r--p 00000000 08:01 8    /opt/my driver/libcuda.so.580.1\n")
            self.assertEqual(inductor.folder_of_library("libcuda.so", maps), "/opt/my driver")
            self.assertIsNone(inductor.folder_of_library("libnothing.so", maps))


if __name__ == "__main__":
    unittest.main()
