"""House rules over the source tree, checked without building anything.

Each rule is a function from a Tree to lines of the form "path:line: what is wrong". The tables are the documented form
of docs/architecture.md, "Rooms and who may include whom": to allow a new edge, change both and say why there.
"""

import os
import re
from pathlib import Path

from cpp_rules import awaited_temporaries, short_functions
from document_rules import documents_resolve, routes_are_contracts, schemas_are_contracts, schemas_are_written_once

# Who may include whom: a file belongs to the longest folder named here. A folder may always include itself.
# evaluator/* and sandbox never see trajectories: an evaluator process does not know the store.
EVALUATOR_PART = {"base", "passbench", "sandbox", "evaluator/api"}
ALLOWED = {
    "base": set(),
    "command_line": {"base"},
    "passbench": {"base"},
    "sandbox": {"base", "sandbox/apply"},
    "sandbox/apply": set(),  # libc only: it runs in a forked child and inside the worker's extension
    "dialects": {"base"},
    "trajectories": {"base"},
    "trajectories/export": {"base", "dialects", "trajectories"},  # reads the journal's requests and replies
    "evaluator/api": {"base", "passbench", "sandbox"},
    "evaluator/client": EVALUATOR_PART,
    "evaluator/candidate": EVALUATOR_PART,
    "evaluator/compile": EVALUATOR_PART | {"evaluator/candidate"},  # a candidate's kernels are what it compiles
    # Stands where a zygote stands, forks as one does, and asks the driver as a lane does.
    "evaluator/gpu_probe": EVALUATOR_PART | {"evaluator/device", "sandbox/apply"},
    "evaluator/timing": EVALUATOR_PART | {"evaluator/worker", "evaluator/device/kernels"},  # draws planned for a device
    "evaluator/integrity": EVALUATOR_PART,
    "evaluator/compare": EVALUATOR_PART,
    # Built on a GPU host against its own torch: torch, Python and libc alone, and device's declarations of CUDA (a header).
    "evaluator/worker": {"sandbox/apply", "evaluator/device"},
    "evaluator/device": {"base", "evaluator/device/kernels"},  # CUDA's libraries are loaded by name: no header of theirs
    "evaluator/device/kernels": set(),  # compiled on a device too, where there is not even a C library
    "evaluator/lane": EVALUATOR_PART | {
        "evaluator/candidate", "evaluator/compile", "evaluator/device", "evaluator/device/kernels", "evaluator/timing",
        "evaluator/integrity", "evaluator/compare", "evaluator/worker"},
    "prompts": {"base", "passbench", "evaluator/api"},
    "agent": {"base", "passbench", "sandbox", "dialects", "trajectories", "prompts", "evaluator/api",
              "evaluator/client"},
    "recorded_llm": {"base"},
    "configs": {"base", "passbench", "sandbox", "dialects", "trajectories", "prompts", "agent", "daemon",
                "recorded_llm", "evaluator/api", "evaluator/client"},
    "daemon": {"base", "passbench", "sandbox", "dialects", "trajectories", "prompts", "agent", "evaluator/api",
               "evaluator/client"},
    "cli": {"*"},
    "tests": {"*"},
    "bench": {"*"},
}
# configs fills option structs above the rooms; only the file with main() may bring both together.
MAIN_FILE = re.compile(r"(^|[/_])main\.cc$")
MAINS_MAY_ALSO = {"command_line", "configs"}
NEVER_INCLUDED = {"tests", "bench", "cli"}

# Third-party headers: where they may appear (tests and bench: anywhere), and whether a header of ours may have them.
TORCH = re.compile(r"^(torch|ATen|c10|caffe2)/")
THIRD_PARTY = [
    ("Torch", TORCH, ["evaluator/compare", "evaluator/worker"]),
    ("Python.h", re.compile(r"^(Python\.h|pybind11/)"), ["evaluator/worker"]),
    ("SQLite", re.compile(r"^sqlite3\.h$"), ["trajectories"]),
    ("cpp-httplib", re.compile(r"^httplib\.h$"), ["cli"]),
    ("Beast", re.compile(r"^boost/beast"), ["agent/llm/transport", "daemon/http_api", "recorded_llm"]),
    ("libseccomp", re.compile(r"^seccomp\.h$"), ["sandbox"]),
    ("google-benchmark", re.compile(r"^benchmark/"), ["bench"]),
    ("GoogleTest", re.compile(r"^g(test|mock)/"), ["tests"]),
]
NOT_IN_HEADERS = re.compile(
    r"^(nlohmann/|boost/beast|torch/|ATen/|c10/|sqlite3\.h|httplib\.h|toml|CLI/|zstd\.h|seccomp\.h|cuda)")

JSON_FILE = "base/json.cc"
COMMAND_LINE_FILE = "command_line/command_line.cc"
# Calls that may define macros, up to their closing bracket.
DEFINITIONS = re.compile(r"\b(?P<call>target_compile_definitions|add_compile_definitions|set_(?:\w+_)?propert(?:y|ies))"
                         r"\s*\(\s*(?:\$\{\w+\}\s)?(?P<words>[^()]*)\)")  # the target's name may be a variable
PLAIN_VARIABLES = {"PROJECT_VERSION", "PASSNET_GIT"}  # of our own making and alike in every clone

FORBIDDEN_STEMS = {"util", "utils", "common", "helper", "helpers", "misc"}
SKIPPED_FOLDERS = {".git", ".venv", ".cache", "build", "demo-out", "__pycache__", "node_modules"}
# Third-party-like input and expected outputs: their form belongs to what they imitate.
DATA_FOLDERS = re.compile(r"(^|/)(fixtures|recordings|data)(/|$)|^tasks/|^tests/hostile/(specimens|specimens_gpu|honest|tasks)/")
CODE_SUFFIXES = {".h", ".cc", ".cu", ".py", ".cmake"}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
THREAD_START = re.compile(r"\bstd::j?thread\b(?!::)|\bpthread_create\b|\bstd::async\b|\basio::thread_pool\b")
DETACHED = re.compile(r"\b\w*[Tt]hread\w*\.detach\(\)|\basio::detached\b")  # a tensor's detach() is another matter
C_GUARD = re.compile(r"^#ifndef PASSNET_\w+_H_\n#define PASSNET_\w+_H_\n", re.M)
COMMENT = re.compile(r"//.*$")


class Tree:
    """The files under one root, read once. Paths are strings relative to the root."""

    def __init__(self, root):
        self.root = Path(root)
        self.files = sorted(self._walk())
        self._texts = {}

    def _walk(self):
        for folder, names, files in os.walk(self.root):
            names[:] = [name for name in names if name not in SKIPPED_FOLDERS]
            for file in files:
                yield os.path.relpath(os.path.join(folder, file), self.root)

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return list(enumerate(self.text(path).split("\n"), 1))

    def is_source(self, path):
        return not DATA_FOLDERS.search(path)

    def is_prose(self, path):
        """Markdown that speaks for this project; prompts and recorded replies are data."""
        return self.is_source(path) and not re.match(r"(prompts|recorded_llm)/", path)

    def sources(self, *suffixes):
        return [path for path in self.files if Path(path).suffix in suffixes and self.is_source(path)]

    def includes(self, path):
        """(line, is_quoted, name) of each include."""
        for number, line in self.lines(path):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1) == '"', found.group(2)


def room_of(path):
    """The longest folder of ALLOWED that holds the path, or None for a folder that the table does not know."""
    parts = path.split("/")[:-1]
    for length in range(len(parts), 0, -1):
        if "/".join(parts[:length]) in ALLOWED:
            return "/".join(parts[:length])
    return None


def within(path, folders):
    return any(path.startswith(folder + "/") for folder in folders)


def edge_allowed(path, room, target):
    if target == room or target in ALLOWED[room]:
        return True
    if "*" in ALLOWED[room]:
        return target not in NEVER_INCLUDED or room in ("tests", "bench")
    return bool(MAIN_FILE.search(path)) and target in MAINS_MAY_ALSO


def layers(tree):
    """Includes follow the table of rooms."""
    for path in tree.sources(".h", ".cc", ".cu"):
        room = room_of(path)
        if room is None:
            yield f"{path}:1: no room of tests/lint/rules.py holds this file: add its folder to ALLOWED"
            continue
        for line, quoted, name in tree.includes(path):
            target = room_of(name)
            if target and not edge_allowed(path, room, target):
                yield f'{path}:{line}: {room} must not include {target} ("{name}")'


def includes_resolve(tree):
    """Quoted includes are ours and are written from the repository's root."""
    for path in tree.sources(".h", ".cc", ".cu"):
        for line, quoted, name in tree.includes(path):
            if quoted and not (tree.root / name).is_file():
                yield f'{path}:{line}: "{name}" is not a file from the repository root'


def own_header_first(tree):
    for path in tree.sources(".cc"):
        header = path[:-len(".cc")] + ".h"
        if header in tree.files:
            first = next(iter(tree.includes(path)), (1, True, ""))
            if first[2] != header:
                yield f'{path}:{first[0]}: the first include must be its own header "{header}"'


def third_party(tree):
    """Each third-party library stays in the rooms that adapt it, and out of our headers."""
    for path in tree.sources(".h", ".cc", ".cu"):
        for line, quoted, name in tree.includes(path):
            for library, pattern, folders in THIRD_PARTY:
                if pattern.search(name) and not within(path, folders + ["tests", "bench"]):
                    yield f"{path}:{line}: {library} ({name}) only in {', '.join(folders)}"
            if path.endswith(".h") and NOT_IN_HEADERS.search(name) and not within(path, ["tests"]):
                yield f"{path}:{line}: {name} belongs in a .cc, not in a header"
            if within(path, ["sandbox/apply"]) and name == "seccomp.h":
                yield f"{path}:{line}: sandbox/apply is libc only; libseccomp belongs to the plan"


def header_form(tree):
    for path in tree.sources(".h"):
        text = tree.text(path)
        if not text.startswith(("//", "/*")):
            yield f"{path}:1: a header starts with its contract comment (purpose, Threads, Owns, Errors, Source)"
        # Headers in C (they open with a C comment) are carried to other compilers and may keep a guard instead.
        if "\n#pragma once\n" not in text and not (text.startswith("/*") and C_GUARD.search(text)):
            yield f"{path}:1: #pragma once is missing"


def file_names(tree):
    for path in tree.sources(*CODE_SUFFIXES):
        stem = Path(path).stem
        if stem in FORBIDDEN_STEMS or FORBIDDEN_STEMS & set(stem.removesuffix("_test").split("_")[-1:]):
            yield f"{path}:1: the name says nothing ({stem}): name the file after what it holds"
        if not re.fullmatch(r"[a-z0-9_]+", stem):
            yield f"{path}:1: file names are snake_case"


def cmake_tokens(tree, path):
    """Words of a CMakeLists.txt without its comments, so that what is commented out counts as missing."""
    code = "\n".join(re.sub(r"#.*$", "", line) for _, line in tree.lines(path))
    return set(re.findall(r"[^\s()\"]+", code))


def lists(cmake, words, path):
    """Whether a CMakeLists.txt with these words names the file, or its stem where ${name}.cc is built or run."""
    relative = os.path.relpath(path, os.path.dirname(cmake) or ".")
    stem, suffix = os.path.splitext(relative)
    by_variable = any(re.fullmatch(r"(.*/)?\$\{\w+\}" + suffix, word) for word in words)
    return relative in words or (stem in words and by_variable)


def listed_in_cmake(tree):
    """Every source is listed in a CMakeLists.txt of its folder or of one above it."""
    tokens = {path: cmake_tokens(tree, path) for path in tree.files if Path(path).name == "CMakeLists.txt"}
    for path in tree.sources(".cc", ".cu", ".py"):
        if path.endswith(".py") and not path.endswith("_test.py"):
            continue  # found by import; C++ sources and tests are listed, never globbed
        if not any(lists(cmake, words, path) for cmake, words in tokens.items()):
            yield f"{path}:1: no CMakeLists.txt lists this file: it is never built or run"


def json_in_one_place(tree):
    """nlohmann/json costs seconds of compile time in each file that sees it, and throws: base/json.cc alone does."""
    for path in tree.sources(".h", ".cc", ".cu"):
        for line, quoted, name in tree.includes(path):
            if name.startswith("nlohmann/") and path != JSON_FILE:
                yield f"{path}:{line}: {name} only in {JSON_FILE}; everyone else uses base/json.h"


def command_line_in_one_place(tree):
    """CLI11 costs 9 s of compiler time in each file that sees it: programs give their options as tables."""
    for path in tree.sources(".h", ".cc"):
        for line, quoted, name in tree.includes(path):
            if name.startswith("CLI/") and path != COMMAND_LINE_FILE:
                yield f"{path}:{line}: CLI11 ({name}) only in {COMMAND_LINE_FILE}"


def no_paths_in_definitions(tree):
    """No absolute path becomes a compile definition: the compiler cache would not know the file in another clone."""
    for path in tree.files:
        if Path(path).name != "CMakeLists.txt" and Path(path).suffix != ".cmake" or not tree.is_source(path):
            continue
        code = "\n".join(re.sub(r"#.*$", "", line) for _, line in tree.lines(path))
        for match in DEFINITIONS.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            properties, found, definitions = match.group("words").partition("COMPILE_DEFINITIONS")
            if match.group("call").startswith("set_") and not found:
                continue
            for name in re.findall(r"\$[{<](TARGET_\w+|(?<=\{)\w+)", definitions if found else properties):
                if name not in PLAIN_VARIABLES:
                    known = ", ".join(sorted(PLAIN_VARIABLES))
                    yield f"{path}:{line}: {name} in a compile definition: only {known} may be"


def whitespace(tree):
    documents = [path for path in tree.files if path == "README.md" or re.fullmatch(r"docs/[^/]+\.md", path)]
    scripts = [path for path in ("dev", ".ci/run") if path in tree.files]
    lists = [path for path in tree.files if Path(path).name == "CMakeLists.txt" and not DATA_FOLDERS.search(path)]
    for path in tree.sources(*CODE_SUFFIXES) + documents + scripts + lists:
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield f"{path}:{number}: trailing whitespace"
            if "\t" in line:
                yield f"{path}:{number}: tab"
        if tree.text(path) and not tree.text(path).endswith("\n"):
            yield f"{path}:{len(tree.lines(path))}: no newline at the end"


def threads(tree):
    """Product code starts threads only in files that docs/threads.md names, and never lets go of them."""
    listed = tree.text("docs/threads.md") if "docs/threads.md" in tree.files else ""
    for path in tree.sources(".h", ".cc"):
        if within(path, ["tests", "bench"]):
            continue
        for number, line in tree.lines(path):
            code = COMMENT.sub("", line)
            source = os.path.splitext(path)[0] + ".cc"  # a header that holds a thread speaks for its source
            if THREAD_START.search(code) and f"`{path}`" not in listed and f"`{source}`" not in listed:
                yield f"{path}:{number}: starts or holds a thread, but docs/threads.md does not name `{source}`"
            if DETACHED.search(code):
                yield f"{path}:{number}: nothing is detached: whoever starts work also waits for it"


def documents_name_real_files(tree):
    """A path in backticks that begins with one of our folders exists."""
    tops = {path.split("/")[0] for path in tree.files if "/" in path} - SKIPPED_FOLDERS
    folders = {os.path.dirname(path) for path in tree.files}
    for path in tree.files:
        if path != "README.md" and not re.fullmatch(r"docs/[^/]+\.md", path):
            continue
        for number, line in tree.lines(path):
            for name in re.findall(r"`([\w.-]+/[\w./-]*)`", line):
                target = name.rstrip("/")
                known = target in tree.files or any(f == target or f.startswith(target + "/") for f in folders)
                if name.split("/")[0] in tops and not known:
                    yield f"{path}:{number}: `{name}` does not exist"


RULES = [layers, includes_resolve, own_header_first, third_party, header_form, file_names, listed_in_cmake, whitespace,
         threads, documents_name_real_files, documents_resolve, schemas_are_contracts, schemas_are_written_once,
         routes_are_contracts, no_paths_in_definitions, json_in_one_place, command_line_in_one_place, short_functions,
         awaited_temporaries]
