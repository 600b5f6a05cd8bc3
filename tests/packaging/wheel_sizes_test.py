"""What ./dev says before it downloads, against a find-links folder of tiny wheels."""

import contextlib
import importlib.metadata
import importlib.util
import io
import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("wheel_sizes", ROOT / "packaging" / "wheel_sizes.py")
wheel_sizes = importlib.util.module_from_spec(spec)
spec.loader.exec_module(wheel_sizes)


class ReportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        settings = {"find-links": str(self.folder), "no-index": "1"}
        self.patch(wheel_sizes, "pip_settings", lambda: settings)
        self.patch(importlib.metadata, "version", self.nothing_installed)

    def patch(self, target, name, value):
        patcher = mock.patch.object(target, name, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    @staticmethod
    def nothing_installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    def add_wheel(self, name, version, requires=(), size=0):
        with zipfile.ZipFile(self.folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
            metadata = f"Name: {name}\nVersion: {version}\n" + "".join(f"Requires-Dist: {r}\n" for r in requires)
            archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
            archive.writestr("payload", b"x" * size)

    def report(self, *lines):
        requirements = self.folder / "requirements.txt"
        requirements.write_text("\n".join(lines) + "\n")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            wheel_sizes.report(requirements)
        return output.getvalue()

    def test_cuda_flavour_is_known_by_what_it_needs(self):
        self.add_wheel("torch", "2.0.0", ["nvidia_blas==1.0; sys_platform == 'linux'", "numpy"], size=2_000_000)
        self.add_wheel("nvidia_blas", "1.0", size=5_000_000)
        self.add_wheel("numpy", "1.0")
        report = self.report("torch==2.0.0")
        self.assertIn("torch 2.0.0: CUDA flavour", report)
        self.assertIn("to fetch: 3 wheels, 7.0 MB (nvidia-blas 5.0 MB, torch 2.0 MB", report)

    def test_cpu_flavour_wins_where_the_index_has_it(self):
        self.add_wheel("torch", "2.0.0", ["nvidia_blas==1.0"])
        self.add_wheel("torch", "2.0.0+cpu")
        self.assertIn("torch 2.0.0+cpu: CPU flavour", self.report("torch==2.0.0"))

    def test_dependencies_of_other_systems_and_extras_are_left_out(self):
        self.add_wheel("torch", "2.0.0", ["winlib; sys_platform == 'win32'", "extralib; extra == 'more'"])
        self.assertIn("to fetch: 1 wheels", self.report("torch"))

    def test_what_is_installed_is_not_fetched(self):
        self.patch(importlib.metadata, "version", lambda name: "2.0.0")
        self.assertIn("to fetch: 0 wheels", self.report("torch==2.0.0"))

    def test_what_no_index_has_is_said(self):
        self.assertIn("not told by the index: a wheel for torch==9", self.report("torch==9"))


if __name__ == "__main__":
    unittest.main()
