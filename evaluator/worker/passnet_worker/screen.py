"""Layer 1 of the integrity checks: reads every file of a candidate without running any of it and names what an honest
pass never needs. It saves time and gives reasons; the barriers are the jail and the measurements.

Every finding is {"file", "line", "rule", "text"}; a rule's id starts with the class of the attack that it stops
(H3.module-store; docs/integrity.md, section 2). A file that does not parse gives no finding: importing or compiling it gives the better message.

Threads: pure functions. Errors: none; more than MAX_FINDINGS findings are cut off.
"""

import ast
import os

from . import screen_files, screen_native, screen_python

MAX_FILE_BYTES = 1 << 20  # the largest honest pass file seen upstream has 60 KB
MAX_PYTHON_BYTES = 1 << 20  # of all files together: their syntax trees take some 700 times that in memory
MAX_FINDINGS = 200
PYTHON = (".py",)
NATIVE = (".cc", ".cu", ".h", ".cuh")
CUDA = (".cu", ".cuh")
DATA = (".json", ".md", ".txt")


def screen(files: dict[str, bytes]) -> list[dict]:
    """`files`: path below pass_dir → content."""
    findings: list[dict] = []
    python_bytes = sum(len(content) for name, content in files.items() if name.endswith(PYTHON))
    if python_bytes > MAX_PYTHON_BYTES:
        return [{"file": min(files), "line": 0, "rule": "L1.size",
                 "text": f"the Python files have {python_bytes} bytes together, limit {MAX_PYTHON_BYTES}"}]
    known = _gather(files)
    for name in sorted(files):
        for line, rule, text in _screen_file(name, files, known):
            findings.append({"file": name, "line": line, "rule": rule, "text": text[:1024]})
            if len(findings) >= MAX_FINDINGS:
                return findings
    return findings


def _gather(files: dict[str, bytes]) -> screen_files.Files:
    """What each file's rules need to know of the others; a file that cannot be read has a finding of its own."""
    texts = {name: content.decode("utf-8", "replace") for name, content in files.items()
             if len(content) <= MAX_FILE_BYTES}
    trees = {name[:-len(".py")].replace("/", "."): screen_python.parse(text)
             for name, text in texts.items() if name.endswith(PYTHON)}
    return screen_files.gather({name: tree for name, tree in trees.items() if isinstance(tree, ast.Module)},
                               [text for name, text in texts.items() if name.endswith(NATIVE)])


def _screen_file(name: str, files: dict[str, bytes], known: screen_files.Files) -> list[tuple[int, str, str]]:
    content = files[name]
    suffix = os.path.splitext(name)[1]
    if suffix not in PYTHON + NATIVE + DATA:
        return [(0, "L1.file", f"files of a pass end in {', '.join(PYTHON + NATIVE + DATA)}, not in {suffix or '-'}")]
    if len(content) > MAX_FILE_BYTES:
        return [(0, "L1.size", f"the file has {len(content)} bytes, limit {MAX_FILE_BYTES}")]
    if b"\0" in content:
        return [(content[:content.index(b"\0")].count(b"\n") + 1, "L1.nul", "the file contains a NUL byte")]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        return [(content[:error.start].count(b"\n") + 1, "L1.encoding", "the file is not UTF-8")]
    if suffix in PYTHON:
        return screen_python.screen(text, name[:-len(".py")].replace("/", "."), siblings(files), known)
    if suffix in NATIVE:
        natives = {other: content.decode("utf-8", "replace") for other, content in files.items()
                   if other.endswith(NATIVE)}
        return screen_native.screen(text, {os.path.basename(other) for other in natives}, list(natives.values()),
                                    cuda=suffix in CUDA)
    return []


def siblings(files: dict[str, bytes]) -> set[str]:
    """Importable names below pass_dir: "_shared", "sub.module"."""
    return {name[:-len(".py")].replace("/", ".") for name in files if name.endswith(".py")}
