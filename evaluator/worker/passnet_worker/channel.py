"""Frames between the evaluator and its worker processes: a 32-bit little-endian length, that many bytes of JSON, and
descriptors that travel with the first byte (SCM_RIGHTS, man 7 unix).

Threads: one process, one thread. Both ends are on one machine. The evaluator's half is evaluator/lane/worker_channel.
"""

import json
import os
import socket
import struct

MAX_FRAME_BYTES = 64 << 20
MAX_DESCRIPTORS = 64


class Closed(Exception):
    """The evaluator has gone: the process has nothing left to do."""


class Channel:
    def __init__(self, fd: int):
        self.sock = socket.socket(fileno=fd)

    def fileno(self) -> int:
        return self.sock.fileno()

    def receive(self) -> tuple[dict, list[int]]:
        header, fds = self.first(4)
        if not header:
            raise Closed
        header += self.rest(4 - len(header))
        (size,) = struct.unpack("<I", header)
        if size > MAX_FRAME_BYTES:
            raise Closed
        return json.loads(self.rest(size)), fds

    def first(self, size: int) -> tuple[bytes, list[int]]:
        """At most `size` bytes and the descriptors that came with them; none in a jail that is closed to recvmsg."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, size, MAX_DESCRIPTORS)
        except PermissionError:
            return os.read(self.sock.fileno(), size), []
        return data, list(fds)

    def rest(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        have = 0
        while have < size:
            got = os.readv(self.sock.fileno(), [view[have:]])
            if got == 0:
                raise Closed
            have += got
        return bytes(data)

    def send(self, message: dict, fds: list[int] = ()) -> None:
        """Without descriptors it uses write(2) alone: sendmsg is closed to a jailed candidate."""
        payload = json.dumps(message).encode()
        data = struct.pack("<I", len(payload)) + payload
        if fds:
            sent = socket.send_fds(self.sock, [data], list(fds))
            data = data[sent:]
        while data:
            data = data[os.write(self.sock.fileno(), data):]

    def close(self) -> None:
        self.sock.close()


def close_all(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
