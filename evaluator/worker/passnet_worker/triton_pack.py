"""What the compile child hands on of Triton's cache, as one file: a length of four bytes (little-endian), a JSON list of
{"name", "size"}, and the files' bytes in that order. A name is the cache's key and the file: KEY/kernel.cubin.

Both ends are ours, but hostile code runs beside the writer: evaluator/compile/triton_cache.h checks every byte before a
timed process is given any. Only what a launch needs is packed: metadata, device code and autotune's choices.

Threads: pure functions. Errors: PackError naming the file.
"""

import json
import os
import re
import stat
import struct

KEY = re.compile(r"[A-Z2-7]{52}")
FILE = re.compile(r"[A-Za-z_]\w{0,149}(\.cubin|\.json|\.autotune\.json)", re.ASCII)
LEFT_OUT = re.compile(r".*\.(source|ttir|ttgir|llir|ptx)|__grp__.*")  # Triton's intermediate texts, and its lists of paths
MAX_FILES = 512
MAX_FILE_BYTES = 8 << 20
MAX_BYTES = 64 << 20


class PackError(Exception):
    """The cache holds something that is not handed on."""


def pack(root: str) -> bytes:
    entries, contents, total = [], [], 0
    for key in sorted(os.listdir(root)):
        if KEY.fullmatch(key) is None:
            raise PackError(f"{key[:100]!r} is no key of Triton's cache")
        for name in sorted(_files(os.path.join(root, key))):
            data = _read(os.path.join(root, key, name), f"{key}/{name}")
            total += len(data)
            entries.append({"name": f"{key}/{name}", "size": len(data)})
            contents.append(data)
            if len(entries) > MAX_FILES or total > MAX_BYTES:
                raise PackError(f"the kernels have more than {MAX_FILES} files or {MAX_BYTES} bytes together")
    head = json.dumps(entries).encode()
    return struct.pack("<I", len(head)) + head + b"".join(contents)


def _files(folder: str) -> list[str]:
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        raise PackError(f"{os.path.basename(folder)} is no folder")
    names = [name for name in os.listdir(folder) if LEFT_OUT.fullmatch(name) is None]
    for name in names:
        if FILE.fullmatch(name) is None:
            raise PackError(f"{name[:200]!r} is no file of a compiled kernel (kernels have names of ASCII letters)")
    return names


def _read(path: str, name: str) -> bytes:
    """Never through a link, never from what would make a reader wait."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise PackError(f"{name}: {error.strerror}") from None
    with open(fd, "rb") as file:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_FILE_BYTES:
            raise PackError(f"{name}: no plain file of at most {MAX_FILE_BYTES} bytes")
        return file.read(MAX_FILE_BYTES + 1)[:MAX_FILE_BYTES]


def unpack(data: bytes, root: str) -> None:
    """Lays the files of checked bytes below `root`, which must not exist, for reading only."""
    (length,) = struct.unpack_from("<I", data)
    at = 4 + length
    os.makedirs(root)
    for entry in json.loads(data[4:at]):
        key, name = entry["name"].split("/")
        if KEY.fullmatch(key) is None or FILE.fullmatch(name) is None:
            raise PackError(f"{entry['name'][:200]!r} is no file of a compiled kernel")
        os.makedirs(os.path.join(root, key), exist_ok=True)
        with open(os.open(os.path.join(root, key, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444), "wb") as file:
            file.write(data[at:at + entry["size"]])
        at += entry["size"]
    for key in os.listdir(root):
        os.chmod(os.path.join(root, key), 0o555)
    os.chmod(root, 0o555)
