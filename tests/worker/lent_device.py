"""The evaluator's side of a CUDA lane, for tests of the worker's: memory of the stand-in driver (tests/fakes/libcuda), which is
the host's, lent to a forked child that is what the worker forks, without a jail's plan."""

import ctypes
import fcntl
import mmap
import os
import socket
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import worker_path

import torch

import _passnet_worker as native
from passnet_worker import channel as channels, processes, scalar_types

GRAIN = 1 << 16  # of the stand-in's memory
INPUTS_AT, ARENA_AT = 1 << 60, 1 << 61
UUID = "GPU-00112233-4455-6677-8899-aabbccddeeff"
DRIVER = str(Path(native.__file__).parents[1] / "libpassnet_fake_cuda.so")

MAGIC = 0x31524E50
FRAME, CALL, TELL = 0, 1, 3  # PnRunKind
COMMAND, REPLY = struct.Struct("<IIIIQII"), struct.Struct("<QIIQ")
SLOT_HEADER, OUTPUT_HEADER = struct.Struct("<I60x"), struct.Struct("<IiiIQ8q8q")
TENSOR = 1  # PnOutputKind


def fake_driver() -> ctypes.CDLL:
    """In the process that calls it: the stand-in's own functions for tests."""
    return ctypes.CDLL(DRIVER)


def compiled(source: str) -> bytes:
    """A shared object of C++."""
    with tempfile.TemporaryDirectory() as folder:
        path, made = Path(folder) / "kernel.cc", Path(folder) / "kernel.so"
        path.write_text(source)
        include = worker_path.SOURCE / "evaluator" / "worker"
        subprocess.run(["c++", "-shared", "-fPIC", "-O1", f"-I{include}", "-o", made, path], check=True)
        return made.read_bytes()


def file_of(data: bytes) -> int:
    fd = os.memfd_create("file")
    os.pwrite(fd, data, 0)
    return fd


class Lent:
    """A memory file that is mapped here."""

    def __init__(self, name: str, size: int, fill: int = 0):
        self.size = (size + GRAIN - 1) // GRAIN * GRAIN
        self.fd = os.memfd_create(name)
        os.ftruncate(self.fd, self.size)
        self.memory = mmap.mmap(self.fd, self.size)
        self.memory[:] = bytes([fill]) * self.size


@dataclass
class Output:
    kind: int
    dtype: torch.dtype
    shape: tuple
    strides: tuple
    data: int


class Seat:
    """Slots of float32 inputs."""

    def __init__(self, shapes: list[tuple], slots: int = 2, outputs: int = 1, arena: int = 1 << 20):
        self.shapes, self.slots, self.outputs_a_call = shapes, slots, outputs
        self.offsets, self.stride = [], 0
        for shape in shapes:
            self.offsets.append(self.stride)
            self.stride += (4 * torch.Size(shape).numel() + 63) // 64 * 64
        self.out_stride = SLOT_HEADER.size + outputs * OUTPUT_HEADER.size
        self.headers = Lent("seat-headers", slots * self.out_stride)
        self.inputs = Lent("seat-inputs", slots * self.stride)
        self.arena = Lent("seat-arena", arena, 0xFF)

    def fds(self) -> list[int]:
        return [self.headers.fd, self.inputs.fd, self.arena.fd]

    def layout(self, **device) -> dict:
        lent = {"uuid": UUID, "driver": DRIVER, "torch": "cpu", "inputs_bytes": self.inputs.size, "inputs_at": INPUTS_AT,
                "arena_bytes": self.arena.size, "arena_at": ARENA_AT}
        places = [{"dtype": "float32", "shape": list(shape), "offset": offset}
                  for shape, offset in zip(self.shapes, self.offsets)]
        return {"slots": self.slots, "in_size": self.slots * self.stride, "out_size": self.slots * self.out_stride,
                "in_stride": self.stride, "out_stride": self.out_stride, "inputs": places, "outputs": self.outputs_a_call,
                "heap": 1 << 20, "device": {**lent, **device}}

    def fill(self) -> list[list[torch.Tensor]]:
        """Other inputs for every slot."""
        drawn = []
        for slot in range(self.slots):
            drawn.append([torch.randn(shape) for shape in self.shapes])
            for tensor, offset in zip(drawn[-1], self.offsets):
                data = tensor.numpy().tobytes()
                begin = slot * self.stride + offset
                self.inputs.memory[begin:begin + len(data)] = data
        return drawn

    def told(self, slot: int) -> list[Output]:
        begin = slot * self.out_stride
        (count,) = SLOT_HEADER.unpack_from(self.headers.memory, begin)
        found = []
        for index in range(count):
            kind, number, ndim, _, data, *sizes = OUTPUT_HEADER.unpack_from(
                self.headers.memory, begin + SLOT_HEADER.size + index * OUTPUT_HEADER.size)
            dtype = scalar_types.DTYPES.get(number)
            found.append(Output(kind, dtype, tuple(sizes[:ndim]), tuple(sizes[8:8 + ndim]), data))
        return found

    def value(self, output: Output) -> torch.Tensor:
        """From where the header says that it lies, as the evaluator reads it: from what is lent and nowhere else."""
        lent, at = (self.arena, ARENA_AT) if output.data >= ARENA_AT else (self.inputs, INPUTS_AT)
        offset = output.data - at
        if not 0 <= offset < lent.size:
            raise AssertionError(f"{output.data:#x} is neither in the inputs nor in the arena")
        size = sum((size - 1) * stride for size, stride in zip(output.shape, output.strides)) + 1
        flat = torch.frombuffer(bytearray(lent.memory[offset:offset + 4 * size]), dtype=output.dtype)
        return flat.as_strided(output.shape, output.strides)


@dataclass
class Reply:
    status: int
    calls: int
    graph_calls: int
    error: str


class Worker:
    """A child that is what `make_role` makes of its channel."""

    def __init__(self, make_role: Callable, first_frame: dict, fds: list[int]):
        ours, theirs = socket.socketpair()
        self.output = os.memfd_create("output")
        born = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20) for fd in (theirs.fileno(), self.output)]
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                ours.close()
                status = processes.become(make_role, born[0], born[1], b"")
            finally:
                os._exit(status)
        theirs.close()
        channels.close_all(born)
        self.channel = channels.Channel(ours.detach())
        self.nonce = 0
        self.channel.send(first_frame, fds)
        self.jailed, _ = self.channel.receive()

    def run(self, kind: int, count: int, observe: int = 0) -> Reply:
        self.nonce += 1
        os.write(self.channel.fileno(), COMMAND.pack(MAGIC, kind, 0, count, self.nonce, observe, 0))
        nonce, status, calls, graph_calls = REPLY.unpack(self.channel.rest(REPLY.size))
        if nonce != self.nonce:
            raise AssertionError("an answer to another command")
        error = ""
        if status:
            (size,) = struct.unpack("<I", self.channel.rest(4))
            error = self.channel.rest(size).decode()
        return Reply(status, calls, graph_calls, error)

    def command(self, message: dict, fds: list[int] = ()) -> dict:
        os.write(self.channel.fileno(), COMMAND.pack(MAGIC, FRAME, 0, 0, 0, 0, 0))
        self.channel.send(message, list(fds))
        return self.channel.receive()[0]

    def census(self) -> dict:
        os.write(self.channel.fileno(), COMMAND.pack(MAGIC, TELL, 0, 0, 7, 0, 0))
        return self.channel.receive()[0]

    def descriptors(self) -> list[int]:
        return [int(number) for number in os.listdir(f"/proc/{self.pid}/fd")]

    def end(self) -> int:
        self.channel.close()
        _, status = os.waitpid(self.pid, 0)
        return status

    def words(self) -> str:
        return os.pread(self.output, 1 << 20, 0).decode()
