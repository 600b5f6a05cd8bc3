"""passnet_worker.screen: the catalogue's attacks are named, honest passes stay clean. Every specimen is our own."""

import unittest

import worker_path  # noqa: F401

from passnet_worker import screen

GOOD = '''
import torch
import passnet_kernels

_k = passnet_kernels.load("fused")


def pattern(x, y):
    return torch.nn.functional.gelu(x) + y


def replacement_args(x, y):
    return (x, y, "gelu_add")


@torch.fx.wrap
def fused(x, y, route):
    out = torch.empty_like(x)
    _k.run((x, y), (out,), ())
    return out


def replacement_func():
    return fused
'''


def with_line(marker: str, text: str) -> str:
    """GOOD with `text` in place of the marker's line (kept when it starts with +)."""
    lines = []
    for line in GOOD.split("\n"):
        if marker not in line:
            lines.append(line)
            continue
        if text.startswith("+"):
            lines.append(line)
        indent = line[:len(line) - len(line.lstrip())]
        lines += [indent + part for part in text.lstrip("+").split("\n")]
    return "\n".join(lines)


def in_wrapper(text: str) -> str:
    return with_line("out = torch.empty_like(x)", "+" + text)


def at_top(text: str) -> str:
    return with_line("import passnet_kernels", "+" + text)


def rules(text: str, **others: str) -> list[str]:
    files = {"One.py": text.encode(), **{name.replace("_dot_", "."): body.encode() for name, body in others.items()}}
    return [finding["rule"] for finding in screen.screen(files) if finding["file"] == "One.py"]


WRAPPER_ATTACKS = {
    "G1.torch-load": ["return torch.relu(x)", "f = torch.add", "return torch.Tensor.matmul(x, y)",
                      "return torch.nn.functional.gelu(x)", "h = {'a': torch.exp}", "return torch.ops.aten.add(x, y)"],
    "G1.matmul": ["return x @ y", "x @= y"],
    "G2.method": ["return x.matmul(y)", "return x.softmax(-1)", "f = x.relu", "return x.max()", "x.add_(y)",
                  "return x.sum(-1)", "z = x.as_subclass(float)"],
    "H1.dispatch-escape": ["with torch.utils._mode_utils.no_dispatch():\n    pass", "torch._C._nn.gelu(x)"],
    "H2.shadow": ["g = lambda torch: torch.exp(y)", "def g(torch):\n    return torch.exp()"],
    "H2.module-value": ["t = torch", "u = (torch, 1)", "g = torch.fx", "c = torch.cuda", "f(torch)"],
    "H3.module-store": ["torch.allclose = f", "torch.fx.wrap = f", "passnet_kernels.load = f",
                        "torch.backends.cudnn.enabled = False", "del torch.fx"],
    "H3.attribute-store": ["x.lazy = y", "fused._cache = 1", "x.data = y"],
    "H3.getattr": ["getattr(x, 'relu')", "setattr(x, 'a', 1)", "delattr(x, 'a')"],
    "H7.dunder": ["x.__class__", "fused.__globals__['torch']", "type(x).__name__", "__builtins__", "(1).__class__",
                  "torch.__dict__"],
    "H7.builtin": ["globals()", "locals()", "vars(x)", "dir(x)"],
    "H11.builtin": ["exec('1')", "eval('1')", "open('/etc/passwd')", "__import__('os')", "compile('1', 'a', 'exec')",
                    "[0 for exec in ()]; exec('1')", "e = [eval][0]"],
    "H12.pattern-call": ["return pattern(x, y)", "p = pattern"],
    "H14.global-state": ["torch.set_num_threads(2)", "torch.backends.cuda.matmul.allow_tf32 = True"],
    "H4.compiler": ["torch.compile(fused)", "torch._dynamo.reset()"],
    "H4.class": ["class Lazy(torch.Tensor):\n    pass"],
    "H6.comparison": ["torch.allclose(x, y)"],
    "T1.stream": ["s = torch.cuda.Stream()", "torch.cuda.stream(1)"],
    "T10.cuda-graph": ["g = torch.cuda.CUDAGraph()"],
    "T5.clock": ["torch.cuda.synchronize()", "torch.cuda.Event"],
    "H11.file": ["torch.save(x, '/tmp/a')", "torch.load('/tmp/a')"],
    "H3.kernels": ["passnet_kernels._install(f)", "passnet_kernels.load(route)", "passnet_kernels._loader"],
}

TOP_ATTACKS = {
    "T3.import": ["import threading", "import _thread", "import multiprocessing as m"],
    "T5.import": ["import time", "from time import perf_counter"],
    "T6.import": ["import ctypes", "from ctypes import CDLL"],
    "H7.import": ["import gc", "import sys", "import inspect", "from types import FunctionType"],
    "H3.import": ["import builtins", "from pass_bench.torch import backend", "import passnet_worker.capture"],
    "H10.import": ["import importlib"],
    "H11.import": ["import os", "import subprocess", "from torch import *", "import pass_dir.absent",
                   "from ._shared import fused", "import os.path as p", "import socket, math"],
    "M8.import": ["import weakref"],
    "M8.memo": ["from functools import lru_cache", "import functools\nc = functools.cache",
                "import functools as f\n\n@f.lru_cache(None)\ndef other():\n    return 1"],
    "H1.dispatch-escape": ["from torch.utils._python_dispatch import TorchDispatchMode", "import torch.overrides"],
    "G1.torch-load": ["from torch import relu\nf = relu", "import torch.nn.functional as F\nX = F.gelu",
                      "from torch.nn.functional import gelu\n\ndef other(x):\n    return gelu(x)",
                      "from torch.nn import functional as F\nf = lambda x: F.gelu(x)",
                      "X = torch.ops.aten.add"],
    "G1.import": ["import numpy as np"],
    "H7.dunder": ["from typing import sys as s", "import typing\nm = typing.sys.modules", "n = __name__",
                  "import math\nl = math.__loader__"],
    "L1.module-level": ["for i in range(3):\n    pass", "torch.manual_seed(1)", "x = torch.empty(3)", "fused(1, 2)",
                        "with x:\n    pass", "n = [fused(i) for i in range(3)]", "n = (m := 3)", "int = fused\nn = int(3)",
                        "n = [float(3) for float in (fused,)]", "n = fused(3) if True else 4",
                        "n = [x.relu() for x in (1,)]",
                        "n: fused(1) = 3", "def other(x=fused(1)):\n    pass", "def other(*, x=[fused(1)]):\n    pass",
                        "def other(x: fused(1)) -> fused(2):\n    pass",
                        "import triton\n\n@triton.heuristics({'a': fused(1)})\ndef other(x):\n    pass", "while True:\n    pass", "d['a'] = 1"],
    "H13.decorator": ["def hook(f):\n    return f\n\n@hook\ndef other():\n    return 1",
                      "@torch.compile\ndef other(x):\n    return x", "@torch.no_grad()\ndef other(x):\n    return x"],
    "H13.hook": ["import triton\nc = triton.Config({}, pre_hook=fused)"],
    "H13.triton": ["import triton\nc = triton.compiler", "import triton\nc = triton.JITFunction",
                   "import triton\ntriton.runtime.driver"],
    "H13.inline-asm": ["import triton\nimport triton.language as tl\n\n@triton.jit\ndef k(a):\n"
                       "    tl.inline_asm_elementwise('x', 'r', [a], tl.int32, True, 1)",
                       "import triton\nimport triton.language as tl\n\n@triton.jit\ndef k(a):\n"
                       "    tl.store(a.to(tl.pointer_type(tl.int8)), 1)"],
    "T3.async": ["async def later():\n    return 1"],
    "H2.module-value": ["t = torch", "import triton.language as tl\nl = tl", "from torch import cuda\nc = cuda"],
    "H3.module-store": ["torch = 3", "torch, y = 1, 2"],
}


# Every one reached any attribute, or a builtin, while each single name was looked for.
REACHES = {
    "H7.attribute": [
        "g = (i for i in (1,))\nb = g.gi_frame.f_builtins", "b = x.grad_fn", "y.storage()", "x.numpy()",
        "match x:\n    case torch.Tensor(grad_fn=g):\n        return g",
        "match x:\n    case torch.Tensor(gi_frame=g):\n        return g", "match x:\n    case object(_version=v):\n        pass",
        "match x:\n    case torch.Tensor(a, b):\n        pass",
        "from typing import ForwardRef\nForwardRef('eval')._evaluate(None, None, frozenset())", "x._version",
        "try:\n    pass\nexcept ValueError as e:\n    e.with_traceback(None)", "'{0.gi_frame}'.format(x)",
        "route.format(x)", "(lambda: 0).co_code", "e = ValueError().tb_frame", "x.untyped_storage().from_file('/etc/passwd')",
        "x.resize_(3)", "x.set_(y)", "type(x) == int.mro"],
    "H7.dunder": ["import typing\nr = typing.ForwardRef('x')", "import typing\ntyping.get_type_hints(fused)",
                  "match x:\n    case torch.Tensor(__class__=c):\n        pass", "import operator\noperator.call(fused)",
                  "import itertools\nitertools.sys"],
    "H3.getattr": ["import operator\noperator.attrgetter('relu')(x)", "from operator import methodcaller as m",
                   "import operator as o\ng = o.attrgetter"],
    "H4.type": ["t = type(x)", "type('C', (torch.Tensor,), {})", "type(type(x))", "f = [type][0]", "type(x)(3)"],
    "H7.builtin": ["super()", "o = object()", "b = bytearray(3)", "c = classmethod", "property(fused)", "exit()"],
    "H2.shadow": ["match x:\n    case torch:\n        pass", "match x:\n    case [*torch]:\n        pass",
                  "match x:\n    case {**torch}:\n        pass", "try:\n    pass\nexcept ValueError as torch:\n    pass",
                  "def torch(): pass"],
    "G1.matmul": ["import operator\noperator.matmul(x, y)"],
    "M8.memo": ["import functools\nf = functools.lru_cache(fused)"],
    "G1.torch-load": ["torch.float32.to_real()", "torch.promote_types.relu"],
    "H2.module-value": ["import operator\no = operator", "import functools\nf = [functools]"],
}


class ReachTest(unittest.TestCase):
    def test_no_spelling_reaches_insides(self):
        for rule, snippets in REACHES.items():
            for snippet in snippets:
                with self.subTest(rule=rule, snippet=snippet):
                    self.assertIn(rule, rules(in_wrapper(snippet)))

    def test_a_kernels_words_allow_no_method_of_a_tensor(self):
        """Names that a kernel exports may be called on anything; a comment in the kernel once would have named any."""
        kernel = "// numpy set_ gi_frame with_traceback relu\nint run(const PnCall* c) { return 0; }\n"
        for snippet in ("x.numpy()", "x.set_(y)", "x.gi_frame", "x.relu()"):
            with self.subTest(snippet):
                self.assertNotEqual(rules(in_wrapper(snippet), k_dot_cc=kernel), [])
        self.assertEqual(rules(in_wrapper("for k in (_k,):\n    k.run((x,), (out,), ())"), k_dot_cc=kernel), [])

    def test_imports_of_another_file_are_no_way_around(self):
        shared = "import torch\nimport torch.nn.functional as F\nfrom torch import float32\n\ndef helper(x):\n    return x\n"
        for text in ("from pass_dir.Two import torch as t\nf = t.float32", "from pass_dir.Two import F",
                     "from pass_dir import Two\nx = Two.F", "import pass_dir.Two\nx = pass_dir.Two.torch"):
            with self.subTest(text):
                self.assertIn("H2.reexport", rules(at_top(text), Two_dot_py=shared))
        self.assertIn("H7.attribute", rules(in_wrapper("Two.helper(x).gi_frame").replace(
            "import torch\n", "import torch\nfrom pass_dir import Two\n", 1), Two_dot_py=shared))
        self.assertEqual(rules(at_top("from pass_dir.Two import helper"), Two_dot_py=shared), [])

    def test_helper_of_a_pattern_is_judged_as_code_once_anything_else_names_it(self):
        helper = "def block(x):\n    return torch.nn.functional.gelu(x)"
        used = with_line("return torch.nn.functional.gelu(x) + y", "return block(x) + y").replace(
            "import passnet_kernels\n", f"import passnet_kernels\n\n\n{helper}\n\n\n", 1)
        self.assertEqual(rules(used), [])
        for more in ("    return block(out)", "    f = [block]\n    return out", "    return (lambda t: block(t))(out)"):
            with self.subTest(more):
                self.assertIn("G1.torch-load", rules(used.replace("    return out", more)))
        self.assertIn("G1.torch-load", rules(used + "\n\nTABLE = (block,)\n"))
        self.assertIn("G1.torch-load", rules(used + "\n\ndef other(x, f=block):\n    return x\n"))
        elsewhere = "from pass_dir.One import block\n\ndef other(x):\n    return block(x)\n"
        self.assertIn("G1.torch-load", rules(used, Two_dot_py=elsewhere))
        self.assertIn("G1.torch-load", rules(at_top(helper)), "nobody's helper")

    def test_files_and_processes_are_no_operations_of_a_pattern(self):
        for call, rule in (("torch.load('x')", "H11.file"), ("torch.multiprocessing.spawn(x)", "T3.thread"),
                           ("x.tracer.root", "H7.attribute"), ("x.node.graph", "H7.attribute"),
                           ("torch.compile(x)", "H4.compiler")):
            with self.subTest(call):
                self.assertIn(rule, rules(with_line("return torch.nn.functional.gelu(x) + y", f"return {call} + y")))


class PythonAttackTest(unittest.TestCase):
    def test_in_the_wrapper(self):
        for rule, snippets in WRAPPER_ATTACKS.items():
            for snippet in snippets:
                with self.subTest(rule=rule, snippet=snippet):
                    self.assertIn(rule, rules(in_wrapper(snippet)))

    def test_at_module_level(self):
        for rule, snippets in TOP_ATTACKS.items():
            for snippet in snippets:
                with self.subTest(rule=rule, snippet=snippet):
                    self.assertIn(rule, rules(at_top(snippet)))

    def test_work_in_replacement_args(self):
        for returned in ("(x + y,)", "(x.contiguous(), y)", "(torch.empty(3), y)", "fused(x, y)", "(x[0], y)",
                         "[v for v in (x, y)]", "(x if x else y,)", "(-x, y)"):
            with self.subTest(returned):
                text = with_line('return (x, y, "gelu_add")', f"return {returned}")
                self.assertIn("H12.replacement-args", rules(text))
        self.assertIn("H12.replacement-args", rules(with_line('return (x, y, "gelu_add")', "print(x)\nreturn (x, y)")))

    def test_helper_files_obey_the_same_rules(self):
        findings = screen.screen({"One.py": GOOD.encode(), "_shared.py": b"import ctypes\n"})
        self.assertEqual([(item["file"], item["line"], item["rule"]) for item in findings],
                         [("_shared.py", 1, "T6.import")])

    def test_pattern_of_another_file(self):
        self.assertIn("H12.pattern-call", rules(at_top("from pass_dir.Two import pattern as p"), Two_dot_py=GOOD))
        self.assertIn("H12.pattern-call", rules(in_wrapper("Two.pattern(x, y)").replace(
            "import torch\n", "import torch\nfrom pass_dir import Two\n", 1), Two_dot_py=GOOD))

    def test_import_under_another_name_hides_nothing(self):
        text = GOOD.replace("import torch\n", "import torch as whatever\n").replace("torch.", "whatever.")
        self.assertEqual(rules(text), [])
        self.assertIn("G1.torch-load", rules(text.replace("whatever.empty_like(x)", "whatever.exp(x)")))

    def test_default_arguments_of_pattern_are_not_exempt(self):
        self.assertIn("G1.torch-load", rules(GOOD.replace("def pattern(x, y):", "def pattern(x, y=torch.relu):")))

    def test_global_cannot_free_a_shadowed_builtin(self):
        self.assertIn("H11.builtin", rules(in_wrapper("global exec\nexec = 1\ndel exec\nexec('1')")))


class FileTest(unittest.TestCase):
    def only(self, name: str, content: bytes) -> str:
        (finding,) = screen.screen({name: content})
        self.assertEqual(finding["file"], name)
        return finding["rule"]

    def test_sizes_and_bytes(self):
        self.assertEqual(self.only("A.py", b"#" * (screen.MAX_FILE_BYTES + 1)), "L1.size")
        self.assertEqual(self.only("a.cc", b"/" * (screen.MAX_FILE_BYTES + 1)), "L1.size")
        self.assertEqual(self.only("A.py", b"x = 1\n\0"), "L1.nul")
        self.assertEqual(self.only("A.py", b"x = '\xff'"), "L1.encoding")
        self.assertEqual(self.only("A.py", b"# -*- coding: utf-7 -*-\nx = 1\n"), "L1.encoding")
        self.assertEqual(self.only("A.py", b"#!x\n# vim: set fileencoding=latin-1 :\nx = 1\n"), "L1.encoding")
        self.assertEqual(self.only("A.so", b"x"), "L1.file")

    def test_depth(self):
        self.assertEqual(self.only("A.py", b"x = " + b"-" * 3000 + b"1"), "L1.depth")
        self.assertEqual(self.only("A.py", b"x = " + b"+".join([b"1"] * 2000)), "L1.depth")

    def test_files_that_are_large_together(self):
        half = b"#" * (screen.MAX_PYTHON_BYTES // 2)
        self.assertEqual(screen.screen({"A.py": half, "B.py": half}), [])
        (finding,) = screen.screen({"A.py": half, "B.py": half, "C.py": b"#"})
        self.assertEqual(finding["rule"], "L1.size")

    def test_findings_are_bounded(self):
        self.assertEqual(len(screen.screen({"A.py": b"import os\n" * 5000})), screen.MAX_FINDINGS)

    def test_syntax_error_is_left_to_the_import(self):
        self.assertEqual(screen.screen({"A.py": b"def f(:\n"}), [])

    def test_line_is_the_findings_own(self):
        (finding,) = screen.screen({"A.py": b"import torch\n\n\ndef f(x):\n    return torch.exp(x)\n"})
        self.assertEqual(finding["line"], 5)


KERNEL = b'#include <passnet_kernel.h>\nextern "C" int run(const PnCall* call) { return 0; }\n'
HONEST = {
    "the specimen itself": GOOD,
    "names that start with torch": at_top("def torch_gelu(x):\n    return x").replace(
        "    return out", "    return torch_gelu(out)"),
    "views, copies, casts and fills": in_wrapper(
        "x = x.contiguous().view(-1, 3).permute(1, 0).reshape(3, -1).squeeze().expand(3, 3).to(torch.float32)\n"
        "out = torch.empty_strided((3, 3), (1, 3), dtype=x.dtype, device=x.device)\nout.copy_(x)\nout.zero_()\n"
        "y = y.unsqueeze(0).transpose(0, 1).flatten().clone().half()"),
    "metadata": in_wrapper(
        "limit = torch.finfo(x.dtype).max\nlow = torch.iinfo(torch.int32).min\nn = x.numel() // x.shape[-1]\n"
        "s = x.stride(0) * torch.float32.itemsize\nif x.dtype == torch.bfloat16 and x.is_contiguous():\n    n += 1\n"
        "ok = isinstance(x, torch.Tensor) and x.data_ptr() % 64 == 0"),
    "as_tensor and device": in_wrapper("d = torch.device('cpu')\nz = torch.as_tensor([1, 2], device=d)"),
    "config cache of ints": at_top("_CONFIG = {}\nBLOCK: int = 128\nSIZES = (484, 768)\nSCALE = 1.0 / math.sqrt(64)\n"
                                   "INF = float('inf')\nDT = [torch.float16, torch.bfloat16]").replace(
        "import torch\n", "import math\nimport torch\n", 1).replace(
        "    return out", "    if x.shape not in _CONFIG:\n        _CONFIG[x.shape] = (BLOCK, 4)\n    return out"),
    "route by elif": in_wrapper("\n".join(f"{'if' if i == 0 else 'elif'} route == 'r{i}':\n    out = None"
                                          for i in range(100))),
    "function attribute and global": in_wrapper("global _count\n_count = 1\nfused.blocks = 3"),
    "argument called input": GOOD.replace("def pattern(x, y):", "def pattern(input, y):")
    .replace("gelu(x)", "gelu(input)").replace("def fused(x, y, route):", "def fused(x, input, route):")
    .replace("(x, y), (out,)", "(x, input), (out,)"),
    "wrap by name": at_top("torch.fx.wrap('fused')"),
    "optional triton": at_top("try:\n    import triton\n    import triton.language as tl\nexcept ImportError:\n"
                              "    triton = None"),
    "kernel methods and library": at_top(
        "import triton\nimport triton.language as tl\nfrom triton.language.extra.cuda import libdevice\n\n"
        "@triton.autotune(configs=[triton.Config({'B': 64}, num_warps=4)], key=['n'])\n@triton.jit\n"
        "def kernel(p, n, B: tl.constexpr):\n    i = tl.program_id(0) * B + tl.arange(0, B)\n"
        "    v = tl.load(p + i, mask=i < n).to(tl.float32)\n    s = tl.sum(tl.exp(v - tl.max(v, 0)), 0)\n"
        "    tl.store(p + i, libdevice.tanh(v) / s.to(tl.float16), mask=i < n)\n") + "\n\n"
    "def launch(x):\n    kernel[(triton.cdiv(x.numel(), 64),)](x, x.numel())\n    triton.next_power_of_2(3)\n",
    "methods in a pattern": with_line("return torch.nn.functional.gelu(x) + y",
                                      "m = x.__eq__(0)\n"
                                      "return x.masked_fill(m, 0).softmax(-1).matmul(y) @ y + torch.einsum('ij->j', x)"),
    "docstring, typing, annotations": '"""Fused."""\nfrom __future__ import annotations\n'
    "from typing import Optional, Tuple\n"
    + at_top("def helper(x: Optional[torch.Tensor]) -> Tuple[int, ...]:\n"
             "    \"\"\"Doc.\"\"\"\n    return tuple(x.shape)"),
    "arguments shuffled in two steps": with_line(
        'return (x, y, "gelu_add")', 'route = "r"\nreturn (y, x) + (route, -1, torch.float16, None)'),
    "module level that computes constants": at_top(
        "SIZES = [64 * i for i in range(1, 4)]\nNAMES = {k: v for k, v in {'a': 1}.items() if v > 0}\n"
        "BLOCK = 128 if max(SIZES) > 100 else 64\nWIDE = 64 < BLOCK <= 128 and not 1 > 2\nclamp = lambda v: min(v, BLOCK)\n"
        "LOW = torch.finfo(torch.float16).min\nEPS = -torch.finfo(torch.float32).eps\nDT = torch.promote_types(torch.half, "
        "torch.float32)\nWORDS = 'a b'.split()\nPAIRS = tuple(zip(SIZES, WORDS))\nSQ = sum(s * s for s in SIZES)"),
    "defaults and annotations": at_top(
        "import typing\nfrom typing import Callable\nimport triton\n\ndef other(x: typing.Optional[torch.Tensor], n: int | None "
        "= None, f: Callable[[int], int] = max, d=torch.device('cpu'), e=(1.0, -2), *rest: int) -> 'tuple[int, ...]':\n"
        "    return n\n\n@triton.heuristics({'a': lambda args: triton.next_power_of_2(args['n'])})\n@triton.jit\n"
        "def kernel(p, n, a: triton.language.constexpr = 4):\n    pass"),
    "operator, itertools, functools": at_top(
        "import functools\nimport itertools\nimport operator\nfrom functools import partial, reduce").replace(
        "    return out", "    n = functools.reduce(operator.mul, x.shape, 1) + reduce(operator.add, x.stride())\n"
        "    for i, j in itertools.product(range(2), repeat=2):\n        n += i * j\n"
        "    f = partial(max, n)\n    key = operator.itemgetter(0)\n    return out"),
    "functional as F in the pattern": with_line("return torch.nn.functional.gelu(x) + y", "return F.gelu(x) + silu(y)")
    .replace("import torch\n", "import torch\nimport torch.nn.functional as F\nfrom torch.nn.functional import silu\n", 1),
    "types and limits": in_wrapper(
        "dt = torch.promote_types(x.dtype, y.dtype)\nlow = torch.finfo(x.dtype).min\nif torch.is_complex(x):\n"
        "    raise TypeError(f'no {type(x)} of {x.dtype}')\nif type(route) is not str and type(route) != int:\n    pass"),
    "match without reaching in": in_wrapper(
        "match route:\n    case 'a' | 'b':\n        n = 1\n    case int(n):\n        pass\n    case [first, *rest]:\n        n = 2\n"
        "    case torch.Tensor(shape=s, dtype=torch.float32):\n        n = s[0]\n    case _:\n        n = 0"),
    "kernels by name": at_top("ROUTES = {'a': passnet_kernels.load('fused'), 'b': _k}").replace(
        "_k.run(", "ROUTES[route].run(").replace('_k = passnet_kernels.load("fused")\n', "").replace(
        "import passnet_kernels\n", 'import passnet_kernels\n_k = passnet_kernels.load("fused")\n', 1),
    "a kernel called like an operation": in_wrapper("_k.softmax((x,), (out,), ())"),
    "text and containers": in_wrapper(
        "parts = route.removeprefix('r').split(',')\nd = {}\nd.setdefault(x.shape, []).append(parts.index('a'))\n"
        "name = '{}x{}'.format(*x.shape)\nkeys = sorted(d.keys(), key=len, reverse=True)\nwhile (n := len(keys)) > 3:\n    keys.pop()"),
    "try around a helper": in_wrapper("try:\n    n = int(route)\nexcept ValueError:\n    n = 0"),
}


class HonestPythonTest(unittest.TestCase):
    def test_honest_passes_are_clean(self):
        for what, text in HONEST.items():
            with self.subTest(what):
                self.assertEqual(screen.screen({"One.py": text.encode(), "fused.cc": KERNEL}), [])

    def test_patterns_helpers_may_lie_in_another_file(self):
        shared = "import torch\n\ndef block(x):\n    return inner(x).relu()\n\n\ndef inner(x):\n    return torch.exp(x)\n"
        for text in ("from pass_dir._shared import block\n", "from pass_dir import _shared\n"):
            call = "block(x)" if "import block" in text else "_shared.block(x)"
            one = text + with_line("return torch.nn.functional.gelu(x) + y", f"return {call} + y")
            files = {"One.py": one.encode(), "_shared.py": shared.encode()}
            self.assertEqual(screen.screen(files), [])
            files["_shared.py"] += b"\ndef other(x):\n    return inner(x)\n"
            self.assertEqual([item["rule"] for item in screen.screen(files)], ["G1.torch-load"], text)

    def test_shared_helper_with_route_string(self):
        shared = GOOD.replace("def pattern", "def unused").split("def unused")[0] + '''

@torch.fx.wrap
def dispatch(*args):
    *tensors, route = args
    out = torch.empty_like(tensors[0])
    _k.run(tuple(tensors), (out,), (1,) if route == "norm" else (2,))
    return out
'''
        one = ("import torch\nfrom pass_dir._shared import dispatch\n\n\ndef pattern(x, w):\n"
               "    return torch.nn.functional.layer_norm(x, (8,), w, None, 1e-05)\n\n\n"
               "def replacement_args(x, w):\n    return (x, w, 'norm')\n\n\n"
               "def replacement_func():\n    return dispatch\n")
        files = {"One.py": one.encode(), "_shared.py": shared.encode(),
                 "sorted_output_pass_rule_names.json": b'["One"]'}
        self.assertEqual(screen.screen(files), [])

    def test_bundled_passes_are_clean(self):
        fixtures = worker_path.SOURCE / "tests" / "fixtures"
        folders = sorted(folder for kind in ("passes", "passes_triton", "passes_cu") for folder in (fixtures / kind).iterdir()
                         if folder.is_dir())
        self.assertGreaterEqual(len(folders), 20)
        for folder in folders:
            with self.subTest(folder.name):
                files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
                self.assertEqual(screen.screen(files), [])


NATIVE_ATTACKS = {
    "T6.inline-asm": ['asm("nop");', '__asm__ volatile("syscall");', 'as\\\nm("nop");',
                      "int a = 1'0; asm(\"x\"); int b = 2'0;",
                      "#define X asm\n"],
    "H11.syscall": ["syscall(39);", "auto f = &syscall;"],
    "H8.memory": ["mmap(0, 1, 1, 1, 1, 0);", "::mprotect(p, 1, 7);", "ptrace(0);", "process_vm_readv(1,0,0,0,0,0);"],
    "H11.exec": ["fork();", "std::system(\"ls\");", "execve(a, b, c);", "auto r = fork ();",
                 "extern \"C\" int fork(void);",
                 "table[0] = fork;", "int (*p)() = fork;"],
    "H11.file": ["fopen(\"/etc/passwd\", \"r\");", "std::ifstream in(\"x\");", "open(\"x\", 0);"],
    "T6.dynamic-link": ["dlopen(0, 1);", "dlsym(0, \"x\");"],
    "T3.thread": ["std::thread t(f);", "pthread_create(&t, 0, f, 0);", "std::async(f);", "std::jthread t;"],
    "T6.attribute": ["__attribute__((constructor)) void f();", "[[gnu::section(\".text\")]] int x;",
                     "__attribute__((__ifunc__(\"r\"))) void g();", "[ [ gnu::destructor ] ] void f();"],
    "H10.include": ["#include <fcntl.h>", "#include \"/etc/passwd\"", "%:include </etc/hostname>", "#include PATH",
                    "#include_next <math.h>", "/* a */ # /* b */ include <pthread.h>", "#inc\\\nlude <thread>"],
    "T6.symbol": ["#pragma weak f = g"],
    "T11.exit": ["_exit(0);", "atexit(f);"],
    "H7.environment": ["getenv(\"X\");", "extern char** environ;"],
}

HONEST_NATIVE = [
    '#include <passnet_kernel.h>\n#include <immintrin.h>\n#include <math.h>\n#include <vector>\n#include "shared.h"\n'
    'extern "C" int run(const PnCall* call) { return call->inputs[0].ndim > 0 ? 0 : 1; }\n',
    "// asm fork() system\n/* dlopen(\n#include <fcntl.h>\n */ const char* s = \"asm volatile fork()\";\n",
    'const char* raw = R"x(asm " fork() #include <pthread.h> )x";\n',
    "struct File { int system; }; void f(File& x, Other* y) { x.open(1); y->open(2); x.system = 1; }\n",
    "#define VEC(op) _mm512_##op\n#pragma GCC optimize(\"fp-contract=off\")\nint n = 1'000'000; char c = '\"';\n",
    "[[maybe_unused]] static int v[3];\n"
    "__attribute__((always_inline)) inline int f(int* a, int* b) { return a[b[0]]; }\n",
    "float exec_scale = 1; int threads = call->num_threads; auto section = 3; int alias = 2; my::open(3);\n",
    "auto g = v[[&] { return 1; }()]; int constructor = 1;\n",
    "#include <tmmintrin.h>\n#include <pmmintrin.h>\n#include <emmintrin.h>\n#include <smmintrin.h>\n"
    "#include <nmmintrin.h>\n#include <xmmintrin.h>\n#include <mutex>\n#include <iostream>\n#include <memory_resource>\n"
    "#include <bits/stdc++.h>\n",
    "static float signal(const float* x, int n) { return x[n]; }\ninline int raise(int x) noexcept { return x; }\n"
    "template <class T> T open(T x) { return x; }\nauto kill = [](int x) { return x; };\n"
    "int f(const float* x) { return signal(x, raise(1)) + open(2) + kill(3); }\n",
    '__attribute__((target_clones("avx512f", "default"))) float f(const float* x) { return x[0]; }\n',
]


class NativeTest(unittest.TestCase):
    def test_attacks_are_named(self):
        for rule, snippets in NATIVE_ATTACKS.items():
            for snippet in snippets:
                with self.subTest(rule=rule, snippet=snippet):
                    found = screen.screen({"k.cc": f"int first;\n{snippet}\n".encode()})
                    self.assertIn(rule, [item["rule"] for item in found])
                    self.assertEqual(found[0]["line"], 2)

    def test_honest_kernels_are_clean(self):
        for text in HONEST_NATIVE:
            with self.subTest(text[:40]):
                self.assertEqual(screen.screen({"k.cc": text.encode(), "shared.h": b""}), [])

    def test_ptx_belongs_to_cuda_files_alone(self):
        text = b'__device__ int f() { int x; asm volatile("mov.u32 %0, %%laneid;" : "=r"(x)); return x; }\n'
        self.assertEqual(screen.screen({"k.cu": text, "shared.cuh": text}), [])
        self.assertEqual([item["rule"] for item in screen.screen({"shared.h": text})], ["T6.inline-asm"])

    def test_cuda_kernel_has_no_streams_events_graphs_or_memory_of_its_own(self):
        for rule, snippet in {"T1.stream": "cudaStreamCreate(&s);", "T5.clock": "cudaEventRecord(e, s);",
                              "T10.cuda-graph": "cudaGraphLaunch(g, s);", "M8.device-memory": "cudaMalloc(&p, 4);",
                              "R1.l2-persistence": "cudaDeviceSetLimit(a, b);"}.items():
            with self.subTest(rule):
                found = screen.screen({"k.cu": f"#include <cuda_runtime.h>\nvoid f() {{ {snippet} }}\n".encode()})
                self.assertEqual([item["rule"] for item in found], [rule])

    def test_own_function_of_a_header_counts(self):
        files = {"k.cc": b'#include "own.h"\nint f() { return open(1); }\n', "own.h": b"inline int open(int x) { return x; }\n"}
        self.assertEqual(screen.screen(files), [])
        files["own.h"] = b"int open(const char*, int);\nint g() { if (open(0, 1)) { return 1; } return 0; }\n"
        self.assertEqual({item["rule"] for item in screen.screen(files)}, {"H11.file"})

    def test_lines_survive_splices_and_comments(self):
        text = "int a; \\\n\n/* x\n y */ int b;\nR\"(\n\n)\"; int c;\nfork();\n"
        (finding,) = screen.screen({"k.cc": text.encode()})
        self.assertEqual(finding["line"], 8)


if __name__ == "__main__":
    unittest.main()
