"""./dev setup with programs of a machine that never existed: what it installs, what it asks for, how it stops."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


class SetupTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        self.tree.chmod(0o777)
        self.bin = self.tree / "fake-bin"
        self.bin.mkdir()
        (self.tree / "packaging").mkdir()
        for name in ("dev", "requirements.txt", "packaging/debian-packages.txt"):
            shutil.copy(ROOT / name, self.tree / name)
        wanted = (self.tree / "packaging/debian-packages.txt").read_text().splitlines()
        self.wanted = [line for line in wanted if not line.startswith("#")]
        self.program("sudo", "exit 1")
        self.program("apt-get", f'echo "apt-get $*" >>{self.tree}/calls')
        self.program("python", "exit 7")  # the set-up ends here: what comes before is what is tested
        self.program("cmake", "exit 7")

    def program(self, name, body):
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def installed(self, names):
        self.program("dpkg-query", "\n".join(f"echo 'installed {name}'" for name in names) + "\nexit 1")

    def dev(self, *arguments, as_root=False):
        environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "PASSNET_PYTHON": str(self.bin / "python")}
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 and not as_root else {}
        return subprocess.run([self.tree / "dev", *arguments], capture_output=True, text=True, env=environment, **user)

    def test_without_privileges_the_one_command_is_printed(self):
        self.installed(self.wanted[2:])
        run = self.dev("setup")
        self.assertEqual(3, run.returncode, run.stderr)
        first, second = sorted(self.wanted[:2])
        self.assertIn(f"apt-get install -y --no-install-recommends {first} {second}'\n", run.stderr)
        self.assertFalse((self.tree / "calls").exists(), "nothing may be installed")

    def test_with_sudo_only_what_is_missing_is_installed(self):
        self.installed(self.wanted[:-1])
        self.program("sudo", '[[ $1 == -n ]] && shift; exec "$@"')
        self.dev("setup")
        calls = (self.tree / "calls").read_text().splitlines()
        self.assertEqual(["apt-get update -q", f"apt-get install -q -y --no-install-recommends {self.wanted[-1]}"], calls)

    def test_nothing_is_installed_where_nothing_is_missing(self):
        self.installed(self.wanted)
        run = self.dev("setup")
        self.assertFalse((self.tree / "calls").exists())
        self.assertEqual(3, run.returncode)
        self.assertIn("PASSNET_PYTHON", run.stderr)

    def test_failing_installation_ends_the_set_up(self):
        self.installed(self.wanted[1:])
        self.program("sudo", '[[ $1 == -n ]] && shift; exec "$@"')
        self.program("apt-get", "exit 100")
        run = self.dev("setup")
        self.assertEqual(100, run.returncode, run.stderr)
        self.assertNotIn("PASSNET_PYTHON", run.stderr)

    def test_finished_set_up_does_nothing(self):
        self.installed(self.wanted)
        self.program("python", "echo Python 3.11.2")
        stamp = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
        for path, text in {".venv/bin/python": "", ".venv/.passnet-stamp": "\n".join(["Python 3.11.2", *stamp]) + "\n",
                           "build/dev/build.ninja": ""}.items():
            (self.tree / path).parent.mkdir(parents=True, exist_ok=True)
            (self.tree / path).write_text(text)
        (self.tree / ".venv/bin/python").chmod(0o755)
        run = self.dev("setup")
        self.assertEqual(0, run.returncode, run.stderr)
        self.assertRegex(run.stderr, r"^== set-up is complete \([0-9.]+ s\)\n$")

    def test_unknown_verb_is_wrong_usage(self):
        self.assertEqual(2, self.dev("tset").returncode)


if __name__ == "__main__":
    unittest.main()
