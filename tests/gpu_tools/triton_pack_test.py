"""passnet_worker.triton_pack: what of Triton's cache is handed on, and what a hostile one holds."""

import json
import os
import struct
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "worker"))
import worker_path  # noqa: F401

from passnet_worker import triton_pack

KEY = "A" * 52


class TritonPackTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "cache"
        self.kernel = self.root / KEY
        self.kernel.mkdir(parents=True)
        (self.kernel / "k.cubin").write_bytes(b"\x7fELF code")
        (self.kernel / "k.json").write_text("{}")

    def refused(self, told: str):
        with self.assertRaisesRegex(triton_pack.PackError, told):
            triton_pack.pack(str(self.root))

    def test_what_a_launch_needs_comes_back_read_only(self):
        for left_out in ("k.ptx", "k.ttir", "k.source", "__grp__k.json"):
            (self.kernel / left_out).write_text("text")
        packed = triton_pack.pack(str(self.root))
        target = self.root.parent / "copy"
        triton_pack.unpack(packed, str(target))
        self.addCleanup(lambda: [os.chmod(folder, 0o755) for folder in (target, target / KEY)])
        self.assertEqual(sorted(os.listdir(target / KEY)), ["k.cubin", "k.json"])
        self.assertEqual((target / KEY / "k.cubin").read_bytes(), b"\x7fELF code")
        self.assertEqual((target / KEY / "k.cubin").stat().st_mode & 0o777, 0o444)
        self.assertEqual((target / KEY).stat().st_mode & 0o777, 0o555)

    def test_links_are_not_followed(self):
        (self.kernel / "l.cubin").symlink_to("/etc/passwd")
        self.refused("l.cubin: Too many levels of symbolic links")
        (self.kernel / "l.cubin").unlink()
        (self.root / ("B" * 52)).symlink_to("/etc")
        self.refused("is no folder")

    def test_what_is_no_file_is_refused_and_not_waited_for(self):
        os.mkfifo(self.kernel / "p.cubin")
        self.refused("p.cubin: no plain file")

    def test_odd_names_are_named(self):
        for name in ("k.so", "k.cubin.bak", "ключ.cubin", "k" * 160 + ".cubin", ".cubin"):
            with self.subTest(name):
                (self.kernel / name).write_text("x")
                self.refused("is no file of a compiled kernel")
                (self.kernel / name).unlink()
        (self.root / "not-a-key").mkdir()
        self.refused("'not-a-key' is no key")

    def test_sizes_are_bounded(self):
        with mock.patch.object(triton_pack, "MAX_FILE_BYTES", 4):
            self.refused("k.cubin: no plain file of at most 4 bytes")
        with mock.patch.object(triton_pack, "MAX_BYTES", 4):
            self.refused("more than 512 files or 4 bytes together")
        with mock.patch.object(triton_pack, "MAX_FILES", 1):
            self.refused("more than 1 files")

    def test_names_that_lead_elsewhere_are_never_written(self):
        head = json.dumps([{"name": "../x.cubin", "size": 1}]).encode()
        with self.assertRaises(triton_pack.PackError):
            triton_pack.unpack(struct.pack("<I", len(head)) + head + b"x", str(self.root.parent / "copy"))


if __name__ == "__main__":
    unittest.main()
