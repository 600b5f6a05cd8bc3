"""The static rules for a candidate's C++ and CUDA files, on tokens.

Names reasons with the lines that a model wrote, and saves a compilation. A macro can spell anything that a text search
looks for: what the compiler made of it is looked at after compiling (evaluator/compile/kernel_check.h), and the barrier
is seccomp (docs/integrity.md, section 6).

Threads: pure functions. Errors: none.
Source: token forms of the C++20 draft [lex]; line splices are undone before tokens are told apart ([lex.phases] 2).
"""

import re

Finding = tuple[int, str, str]

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))
      | (?P<raw>(?:u8|u|U|L)?R"(?P<delimiter>[^()\\\s]{0,16})\(.*?(?:\)(?P=delimiter)"|\Z))
      | (?P<string>(?:u8|u|U|L)?"(?:\\.|[^"\\\n])*"?)
      | (?P<number>\.?\d(?:'?[\w.]|(?<=[eEpP])[+-])*)
      | (?P<char>(?:u8|u|U|L)?'(?:\\.|[^'\\\n])*'?)
      | (?P<word>[A-Za-z_$\x80-\U0010ffff][\w$]*)
      | (?P<directive>^[ \t\f\v]*(?:\#|%:)[ \t\f\v]*(?P<name>\w*)(?P<rest>[^\n]*))
      | (?P<newline>\n)
      | (?P<mark>::|->|<:|:>|[^\s\w])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE)

# Numbers and characters are matched too, so that the quote in 1'000 opens nothing; a directive is left in pieces.
COMMENT_OR_STRING = re.compile(TOKEN.pattern.replace("(?P<directive>", "(?P<directive>(?!)"),
                               re.VERBOSE | re.DOTALL | re.MULTILINE)

STANDARD_HEADERS = set("""
    algorithm array atomic bit bitset cassert cerrno cfenv cfloat charconv cinttypes climits cmath compare complex
    concepts cstdarg cstddef cstdint cstdio cstdlib cstring cwchar exception functional initializer_list ios iterator
    limits map memory new numbers numeric optional ostream queue random ranges ratio set span sstream stack stdexcept
    string string_view system_error tuple type_traits typeinfo unordered_map unordered_set utility valarray variant
    vector version iosfwd list deque forward_list any coroutine cctype iomanip iostream istream locale
    memory_resource mutex scoped_allocator shared_mutex source_location typeindex bits/stdc++.h
    assert.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h
    stdlib.h string.h fenv.h ctype.h complex.h tgmath.h stdatomic.h wchar.h
""".split())
OTHER_HEADERS = {
    "passnet_kernel.h", "immintrin.h", "x86intrin.h", "mmintrin.h", "xmmintrin.h", "emmintrin.h", "pmmintrin.h",
    "tmmintrin.h", "smmintrin.h", "nmmintrin.h", "ammintrin.h", "wmmintrin.h", "mm_malloc.h", "arm_neon.h",
    "cuda_runtime.h", "cuda_fp16.h", "cuda_bf16.h", "cuda_fp8.h", "mma.h", "cooperative_groups.h",
    "cooperative_groups/reduce.h", "cuda_pipeline.h", "cuda/pipeline", "cuda/barrier", "cub/cub.cuh",
}

# Words that are wrong wherever they stand.
WORDS = {
    "asm": "T6.inline-asm", "__asm": "T6.inline-asm", "__asm__": "T6.inline-asm",
    "jthread": "T3.thread", "pthread_create": "T3.thread", "thrd_create": "T3.thread",
    "ifstream": "H11.file", "ofstream": "H11.file", "fstream": "H11.file", "filebuf": "H11.file",
    "environ": "H7.environment", "__environ": "H7.environment",
    "__builtin_return_address": "H7.frames", "__builtin_frame_address": "H7.frames",
    "__libc_start_main": "T6.libc-internal", "program_invocation_name": "H7.environment",
}
PTX = {"asm", "__asm", "__asm__"}
# Functions: wrong where they are called, named with an address or declared, but not as a member of something else, nor
# where the candidate defines a function of its own by that name.
FUNCTIONS = {
    "syscall": "H11.syscall", "ptrace": "H8.memory", "process_vm_readv": "H8.memory",
    "process_vm_writev": "H8.memory", "mmap": "H8.memory", "mmap64": "H8.memory", "mprotect": "H8.memory",
    "mremap": "H8.memory", "pkey_mprotect": "H8.memory", "memfd_create": "H8.memory", "shm_open": "H8.memory",
    "shmat": "H8.memory", "dlopen": "T6.dynamic-link", "dlmopen": "T6.dynamic-link", "dlsym": "T6.dynamic-link",
    "dlvsym": "T6.dynamic-link", "dladdr": "T6.dynamic-link", "dl_iterate_phdr": "T6.dynamic-link",
    "fork": "H11.exec", "vfork": "H11.exec", "clone": "H11.exec", "clone3": "H11.exec", "execl": "H11.exec",
    "execle": "H11.exec", "execlp": "H11.exec", "execv": "H11.exec", "execve": "H11.exec", "execveat": "H11.exec",
    "execvp": "H11.exec", "execvpe": "H11.exec", "fexecve": "H11.exec", "posix_spawn": "H11.exec",
    "posix_spawnp": "H11.exec", "system": "H11.exec", "popen": "H11.exec", "fopen": "H11.file",
    "fopen64": "H11.file", "freopen": "H11.file", "fdopen": "H11.file", "tmpfile": "H11.file", "open": "H11.file",
    "open64": "H11.file", "openat": "H11.file", "creat": "H11.file", "unlink": "H11.file", "rename": "H11.file",
    "remove": None, "socket": "H11.network", "connect": "H11.network", "kill": "H11.signal", "tgkill": "H11.signal",
    "raise": "H11.signal", "sigaction": "H11.signal", "signal": "H11.signal", "setitimer": "H11.signal",
    "timer_create": "H11.signal", "atexit": "T11.exit", "at_quick_exit": "T11.exit", "exit": "T11.exit",
    "_exit": "T11.exit", "_Exit": "T11.exit", "quick_exit": "T11.exit", "getenv": "H7.environment",
    "secure_getenv": "H7.environment", "setenv": "H7.environment", "putenv": "H7.environment",
    "sched_setaffinity": "T3.thread", "async": "T3.thread", "backtrace": "H7.frames",
    "cudaStreamCreate": "T1.stream", "cudaStreamCreateWithFlags": "T1.stream", "cudaStreamCreateWithPriority": "T1.stream",
    "cudaLaunchHostFunc": "T1.stream", "cudaStreamAddCallback": "T1.stream", "cudaGraphLaunch": "T10.cuda-graph",
    "cudaGraphInstantiate": "T10.cuda-graph", "cudaStreamBeginCapture": "T10.cuda-graph",
    "cudaEventCreate": "T5.clock", "cudaEventRecord": "T5.clock", "cudaEventElapsedTime": "T5.clock",
    "cudaMalloc": "M8.device-memory", "cudaMallocAsync": "M8.device-memory", "cudaMallocManaged": "M8.device-memory",
    "cudaMallocHost": "M8.device-memory", "cudaHostAlloc": "M8.device-memory", "cudaHostRegister": "M8.device-memory",
    "cudaDeviceSetLimit": "R1.l2-persistence",
    "cudaCtxResetPersistingL2Cache": "R1.l2-persistence", "cudaStreamSetAttribute": "R1.l2-persistence",
}
FUNCTIONS = {name: rule for name, rule in FUNCTIONS.items() if rule is not None}
BRACKETS = {"[", "<:"}
OPENING = BRACKETS | {"("}
CLOSING = {"]", ":>", ")"}
ATTRIBUTES = {"constructor", "destructor", "section", "ifunc", "weakref", "naked", "init_priority", "alias",
              "symver"}
PRAGMAS = {"weak", "redefine_extname", "push_macro", "include_alias"}


def screen(text: str, siblings: set[str], natives: list[str], cuda: bool = False) -> list[Finding]:
    """`siblings`: header names that the candidate brings itself, `natives`: the texts of all its kernels and headers. In a
    file of CUDA's (`cuda`) asm may be PTX, which tokens do not tell from the host's: evaluator/compile does."""
    tokens, findings = _tokens(_without_comments(_unspliced(text)), siblings)
    own = {name for name in {word for word, _ in tokens} & FUNCTIONS.keys() if _is_defined(name, natives)}
    for position, (word, line) in enumerate(tokens):
        rule = None if cuda and word in PTX else WORDS.get(word)
        if rule is not None:
            findings.append((line, rule, f"{word} in a kernel: it computes on the tensors that it was given, and "
                                         "nothing else"))
        elif word in FUNCTIONS and word not in own and _is_function(tokens, position):
            findings.append((line, FUNCTIONS[word], f"{word}(): a kernel computes on the tensors that it was given, "
                                                    "and nothing else"))
        elif word == "thread" and _before(tokens, position) == "::":
            findings.append((line, "T3.thread", "std::thread: a kernel uses the one core that times it"))
    return sorted(set(findings + _attributes(tokens)))


def _unspliced(text: str) -> str:
    """Joins lines that end in a backslash and gives the newlines back after them, so that line numbers stay."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines, pending, owed = [], "", 0
    for line in text.split("\n"):
        bare = line.rstrip(" \t\f\v")  # GCC takes white space behind the backslash as a splice too
        if bare.endswith("\\"):
            pending += bare[:-1]
            owed += 1
            continue
        lines.append(pending + line + "\n" * owed)
        pending, owed = "", 0
    return "\n".join(lines + ([pending] if pending else []))


def _without_comments(text: str) -> str:
    """Each comment and raw string becomes one blank; newlines inside come after the line that holds them."""
    pieces, owed, position = [], 0, 0
    while (match := COMMENT_OR_STRING.search(text, position)) is not None:
        pieces.append(text[position:match.start()])
        position = match.end()
        if match.group("newline") is not None:
            pieces.append("\n" * (1 + owed))
            owed = 0
        elif match.group("comment") is not None or match.group("raw") is not None:
            owed += match.group().count("\n")
            pieces.append(" ")
        else:
            pieces.append(match.group())
    return "".join([*pieces, text[position:]])


def _tokens(text: str, siblings: set[str]) -> tuple[list[tuple[str, int]], list[Finding]]:
    """Words and marks with their lines; directives become findings of their own, and their text tokens too, because a
    macro's body is code."""
    tokens: list[tuple[str, int]] = []
    findings: list[Finding] = []
    line, at = 1, 0
    position = 0
    while (match := TOKEN.search(text, position)) is not None:
        line += text.count("\n", at, match.start())
        at = match.start()
        position = match.end()
        if match.group("directive") is not None:
            findings += _directive(match.group("name"), match.group("rest"), line, siblings)
            position = match.start("rest") if match.group("name") not in ("include", "include_next") else match.end()
        elif match.group("word") is not None or match.group("mark") is not None:
            tokens.append((match.group(), line))
    return tokens, findings


def _directive(name: str, rest: str, line: int, siblings: set[str]) -> list[Finding]:
    if name in ("include_next", "import", "embed", "include_alias"):
        return [(line, "H10.include", f"#{name}: a kernel includes standard headers by #include")]
    if name == "include":
        header = re.match(r'\s*(?:<([^>]*)>|"([^"]*)")\s*$', rest)
        if header is None:
            return [(line, "H10.include", f"#include{rest[:80]}: write the header's name, not a macro")]
        known = STANDARD_HEADERS | OTHER_HEADERS | siblings
        found = header.group(1) or header.group(2) or ""
        if found not in known:
            return [(line, "H10.include", f"{found[:200]} is no header that a kernel needs (standard C and C++ "
                                          "headers, passnet_kernel.h, immintrin.h)")]
    if name == "pragma" and rest.split() and rest.split()[0] in PRAGMAS:
        return [(line, "T6.symbol", f"#pragma {rest.split()[0]} renames what is linked")]
    return []


def _before(tokens: list[tuple[str, int]], position: int) -> str:
    return tokens[position - 1][0] if position > 0 else ""


def _is_function(tokens: list[tuple[str, int]], position: int) -> bool:
    """`name(`, `&name` or `= name;`, unless it belongs to an object (x.open()) or to another scope than std."""
    before = _before(tokens, position)
    if before in (".", "->"):
        return False
    if before == "::" and position >= 2 and tokens[position - 2][0] not in ("std",) \
            and re.fullmatch(r"[\w$]+", tokens[position - 2][0]):
        return False
    after = tokens[position + 1][0] if position + 1 < len(tokens) else ""
    return after == "(" or (before in ("&", "=", "(", ",") and after in (";", ",", ")"))


def _is_defined(name: str, natives: list[str]) -> bool:
    """Whether one of the files defines the function: then no library's is called. (One that only seems to be defined is
    found among what the compiled kernel imports.)"""
    definition = re.compile(rf"[\w>*&]\s+{name}\s*\([^;{{}}()]*\)[^;{{}}()=]*\{{|\bauto\s+{name}\s*=\s*\[")
    return any(definition.search(text) for text in natives)


def _attributes(tokens: list[tuple[str, int]]) -> list[Finding]:
    """The names inside __attribute__((…)) or [[…]]."""
    findings: list[Finding] = []
    depth, inside = 0, False
    for position, (word, line) in enumerate(tokens):
        after = tokens[position + 1][0] if position + 1 < len(tokens) else ""
        if not inside:
            inside = word in ("__attribute__", "__attribute") or (word in BRACKETS and after in BRACKETS)
            depth = 0
        if not inside:
            continue
        depth += (word in OPENING) - (word in CLOSING)
        if word.strip("_") in ATTRIBUTES:
            findings.append((line, "T6.attribute", f"attribute {word.strip('_')} makes code run or symbols bind "
                                                   "outside the kernel's call"))
        inside = depth > 0 or word in ("__attribute__", "__attribute")
    return findings
