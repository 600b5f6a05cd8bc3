"""passbench/ against what it stands for: its readers of Python files against Python's ast, its generators against numpy
and torch, bit for bit. A newer torch or numpy that draws other numbers is noticed here.

Cases are generated from fixed seeds. All cases of a test go through one process of passbench_dump.
"""

import ast
import contextlib
import hashlib
import json
import os
import random
import subprocess
import sys
import unittest
import warnings
from pathlib import Path

import python_meaning

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PASSNET_DATA_DIR") or ROOT / "../shared/data") / "passbench"
GENERATED = 5000  # of each kind; half of them are mutated where a parser is tested


def dump(cases):
    lines = "".join(json.dumps({**case, "hex": case["hex"].hex()}) + "\n" for case in cases)
    run = subprocess.run([os.environ["PASSBENCH_DUMP"]], input=lines, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(cases), run.stderr
    return answers


@contextlib.contextmanager
def deep_recursion():
    """For the walk over a tree that Python itself has built within its usual limit."""
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(10000)
    try:
        yield
    finally:
        sys.setrecursionlimit(usual)


class Writer:
    """Writes random files in PassBench's form."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.variables = []

    def pick(self, *choices):
        return self.random.choice(choices)

    def some(self, maximum, make):
        return [make() for _ in range(self.random.randint(0, maximum))]

    # ---- model.py

    def model(self):
        self.variables = [f"{self.pick('in', 'w', 'L_self')}_{i}" for i in range(self.random.randint(0, 4))]
        parameters = [name + self.pick("", " : torch.Tensor", ": torch.nn.parameter.Parameter") for name in self.variables]
        imports = ["import torch", "from torch import device, inf, nan"]
        self.random.shuffle(imports)
        unit = self.pick("    ", "  ", "\t")
        lines = [*imports, "", "class GraphModule(torch.nn.Module):", unit,
                 f"{unit}def forward({', '.join(['self', *parameters])}{self.pick('', ',')}):  # a comment"]
        self.variables.append("tmp_0")
        lines.append(f"{unit * 2}tmp_0 = torch.ones(3, device = device(type='cuda', index=0))")
        lines += [unit * 2 + self.statement() for _ in range(self.random.randint(0, 12))]
        returned = ", ".join(self.pick(*self.variables) for _ in range(self.random.randint(1, 3)))
        lines.append(unit * 2 + "return " + self.pick(f"({returned},)", returned, f"({returned})", f"[{returned}]"))
        return self.pick("\n", "\r\n").join([*lines, self.pick("", unit * 2, "# end")])

    def statement(self):
        text = self.assignment()
        kind = self.random.randrange(4)
        return text + (";" if kind == 0 else f"; {self.assignment()}" if kind == 1 else "")

    def assignment(self):
        variable = self.pick(*self.variables)
        kind = self.random.randrange(8)
        if kind == 0:
            operator = self.pick("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>")
            return f"{variable} {operator}= {self.expression(2)}"
        if kind == 1:
            return f"{variable}[{self.index(2)}] = {self.expression(2)}"
        if kind == 2:
            return f"torch._assert({self.arguments(2)})"
        if kind == 3:
            return f"{variable} = {self.pick(*self.variables)} = None"
        new = f"tmp_{len(self.variables)}"
        text = f"{new} = {self.expression(3)}"
        self.variables.append(new)
        return text

    def expression(self, depth):
        if depth == 0:
            return self.atom()
        inner = lambda: self.expression(depth - 1)
        kind = self.random.randrange(12)
        if kind < 3:
            operator = self.pick("+", "-", "*", "/", "//", "%", "**", "@", "&", "|", "^", "<<", ">>")
            return f"{inner()} {operator} {inner()}"
        if kind == 3:
            return f"({inner()} {self.pick('==', '!=', '<', '<=', '>', '>=')} {self.atom()})"
        if kind == 4:
            return f"{self.pick('-', '+', '~')}{inner()}"
        if kind == 5:
            return f"{self.pick(*self.variables)}[{self.index(depth - 1)}]"
        if kind == 6:
            return f"{self.pick(*self.variables)}.{self.pick('view', 'add_', '__eq__', 'to', 'softmax')}({self.arguments(depth - 1)})"
        if kind == 7:
            path = self.pick("relu", "nn.functional.silu", "_C._nn.gelu", "cat", "Size", "special.expit", "Tensor.add")
            return f"torch.{path}({self.arguments(depth - 1)})"
        if kind == 8:
            return f"{self.pick(*self.variables)}.{self.pick('shape', 'dtype', 'T', 'device')}"
        if kind == 9:
            return f"({inner()}, {inner()}{self.pick('', ',')})"
        if kind == 10:
            return f"[{', '.join(self.some(3, inner))}]"
        return f"({inner()})"

    def arguments(self, depth):
        given = self.some(2, lambda: self.expression(depth))
        given += [f"{name}{self.pick('=', ' = ')}{self.expression(depth)}"
                  for name in self.random.sample(["dim", "p", "inplace", "dtype"], self.random.randint(0, 2))]
        return ", ".join(given) + (self.pick("", ",") if given else "")

    def index(self, depth):
        def part():
            return self.pick("", self.expression(depth))

        def item():
            return self.pick(self.expression(depth), f"{part()}:{part()}", f"{part()}:{part()}:{part()}", "...",
                             f"slice(None, {self.expression(depth)}, None)")
        return ", ".join(item() for _ in range(self.random.randint(1, 3))) + self.pick("", "", ",")

    def atom(self):
        cuda = self.pick("'cuda'", '"cuda:1"', "'cpu'")
        return self.pick(self.pick(*self.variables), self.pick(*self.variables), str(self.random.randint(0, 99)), "1e-05",
                         ".5", "3.", "2.5E+3", "None", "True", "False", "...", "Ellipsis", "inf", "nan", "()", "[]",
                         "torch.float32", "torch.inf", cuda, f"device(type={cuda}, index=0)", f"torch.device({cuda})",
                         f"torch . device( # (\n {cuda})" if self.random.random() < 0.05 else "0", "'text'")

    # ---- weight_meta.py

    def weight_meta(self):
        unit = self.pick("\t", "  ", "    ")
        classes = []
        for i in range(self.random.randint(1, 5)):
            lines = [f"name = {self.pick(chr(34), chr(39))}in_{i}\"".replace("'in", '"in'),
                     f"shape = {[self.random.choice([0, 1, 2, 3, 5, 16]) for _ in range(self.random.randint(0, 3))]}",
                     f"dtype = '{self.pick('torch.', '')}{self.pick(*DTYPES, 'half', 'float', 'double', 'int', 'long')}'"]
            if self.random.random() < 0.8:
                lines.append("device = 'cuda:0'")
            for key in ("mean", "std"):
                if self.random.random() < 0.7:
                    lines.append(f"{key} = {self.pick('None', self.number(), self.number())}")
            if self.random.random() < 0.3:
                low, high = sorted([self.random.randint(-100, 0), self.random.randint(0, 100)])
                lines += [f"min_val = {low}", f"max_val = {high}"]
            lines += self.some(1, lambda: f"later = [{', '.join(self.some(5, self.number))}{self.pick('', ' ')}]")
            self.random.shuffle(lines)
            classes.append(f"class Program_{self.pick('a', 'b')}_{i}:{self.pick('', '  # why')}\n" +
                           "".join(f"{unit}{line}\n" for line in lines))
        return self.pick("", "\n", "# by hand\n").join(classes)

    def number(self):
        sign = self.pick("", "", "-", "+", "- ")
        return sign + self.pick(str(self.random.randint(0, 10**18)), repr(self.random.random()), "1e400", "5e-324", "0",
                                repr(self.random.uniform(0, 1e9)), "True", "False", "inf", "nan", "1.e3", "00.5",
                                'float("inf")', "float('-inf')", "float('+nan')", "9223372036854775807")

    # ---- both

    def mutated(self, text):
        """A few bytes changed, moved, doubled or lost, or a piece of Python put in."""
        data = bytearray(text.encode())
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(data) + 1)
            end = min(len(data), at + self.random.choice([1, 1, 2, 5, 20]))
            kind = self.random.randrange(6)
            if kind == 0:
                del data[at:end]
            elif kind == 1:
                data[at:at] = data[at:end]
            elif kind == 2:
                data[at:end] = bytes([self.random.choice(b" \t\r\n\0\f\\'\"()[]{}:,.;=#*+-<>@!?_0179aeijx\x80\xc3")])
            elif kind == 3:
                other = self.random.randrange(len(data) + 1)
                data[other:other] = data[at:end]
            else:
                data[at:at] = self.random.choice(PIECES)
        return bytes(data)


DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
PIECES = [b" if ", b" in ", b" not ", b" is ", b" and ", b"lambda: ", b"await ", b"*", b"**", b":=", b"=", b"==", b" < 1 < 2",
          b"0x1", b"1_000", b"012", b"1j", b"1.e", b"r'a'", b"b'a'", b"f'{a}'", b"'''", b"\\\n", b"\\x63", b"'cuda'", b"()",
          b"[0]", b"[:]", b"[::]", b"[:::]", b"[,]", b",,", b".if(1)", b".T", b"inf", b"nan", b"float", b"None", b"'a' 'b'",
          b"a=1, ", b"\n", b"\n ", b"\n\t", b"\t", b" ", b";", b"#", b"# coding: latin-1\n", b"\xef\xbb\xbf", b"float('+-inf')",
          b"return ", b"pass", b"...", b"....", b"->", b"<>", b"!", b"$", b"class A:\n", b"import torch\n", b"((", b"))"]


# Where a hand-written reader and Python come apart easily. Several of these were read wrongly once.
STATEMENTS = ["x = torch.f(a=1, a=2)", "x = torch.f(a=1, 2)", "x = torch.f(if=1)", "x = torch.f(__a=1)", "x = x.if(1)",
              "x = torch.if(1)", "x = x < x < x", "x = x == x != x", "x = (x < x) < x", "x = x[]", "x = x[,]", "x = x[1,,2]",
              "x = x[1:2:3:4]", "x = x[::]", "x = x[1:2, 3]", "x = x[1,]", "x = (1, 2)[x]", "x = [1][0]", "x = -x ** -x ** x",
              "x = ~-+x", "x = x - x - x", "x = x ** x ** x", "x = x << x + x * x & x | x ^ x >> x", "x = 012", "x = 00", "x = 1_0",
              "x = 1if x else x", "x = 1.real", "x = 1..real", "x = 0x1", "x = 1j", "x = ()", "x = (,)", "x = (x x)",
              "x = x.to('\\x63uda')", "x = x.to('cuda\\\n')", "x = x.to('cuda' ':1')", "x = x.to(r'cuda')", "x = x.to(\"cuda\")",
              "x = torch.f(torch . device # (\n ('cuda'))", "x = torch.f(device('cuda', 'cuda'))", "x = device(device('cuda'))",
              "x = torch.f(torch.device('cpu'), 'cuda:1')", "x = y = x", "x = y = 1; z = y", "x; x", "x;; x", "; x", "x;",
              "x[0] = x; x[1:] += x", "x[0][1] = x", "x += x, x", "x = x, x", "x, y = x", "x: int = 1", "x = (y := x)", "x = x[y:=1]",
              "x = *x", "x = torch.f(*x)", "x = torch.f(**x)", "x = x if x else x", "x = not x", "x = x and x", "x = x is x",
              "x = x in x", "x = lambda: x", "x = [x for x in x]", "x = {x}", "x = {}", "x = 'a' 'b'", "x = ", "x = ...",
              "x = ....T", "x = x.T.T", "x = x.T()", "x = None.T", "None = x", "True = x", "x = torch.inf", "pass", "return x", "x = \\\n x"]
RETURNS = ["return", "return;", "return ()", "return x", "return x,", "return x, x", "return (x)", "return (x,)", "return (x, x)",
           "return ((x, x))", "return ((x), x)", "return ((x),)", "return ((x))", "return (x) + x", "return [x, x]", "return (x, x),",
           "return (,)", "return (x,,)", "return x; x", "return x\n  x", "x", "if x:\n            return x"]
ATTRIBUTES = ["mean = 012", "mean = 00.5", "mean = float('+-inf')", "mean = float('-+inf')", "mean = float('+inf')", "mean = --1",
              "mean = infinity", "mean = float(inf)", "mean = -True", "mean = - 1", "mean = +nan", "inf = 3", "nan = 3\n  mean = nan",
              "float = 3", "if = 3", "None = 3", "mean = 1e999", "mean = 9223372036854775808", "mean = -9223372036854775808",
              "data = [1, 2,]", "data = [,]", "data = [1 2]", "data = [1, 2", "data = [\n1,\n  2]", "mean = 1; std = 2", "mean = 1 2",
              "device = 'a' 'b'", "device = 'a\\x62'", "device = b'a'", "device = ''", "mean = .5", "mean = 5.", "mean = 1.e1", "mean = 1e",
              "mean = 1_0", "mean = 0x1", "mean = 1j", "mean : int = 1", "mean = std = 1", " mean = 1", "\tmean = 1", "pass",
              "\\\n  mean = 1", "mean = 1 # \xe9", "mean = 1\f", "mean = (1)", "later = None"]


class ParserTest(unittest.TestCase):
    def compare_models(self, files, valid):
        """Returns how many were accepted."""
        accepted = 0
        for (name, source), answer in zip(files, dump([{"do": "model", "hex": source} for _, source in files])):
            if "error" in answer:
                self.assertFalse(valid, f"{name}: refused: {answer['error']}\n{source!r}")
                continue
            accepted += 1
            model = self.read_by_python(python_meaning.Model, name, source)
            literals = model.literals()
            self.assertEqual(
                {"parameters": model.parameters, "ops": model.ops, "outputs": model.outputs, "literals": literals},
                {key: answer[key] for key in ("parameters", "ops", "outputs", "literals")}, f"{name}:\n{source.decode()}")
            if literals:
                device = ("cpu", "cuda:1")[accepted % 2]
                with deep_recursion():
                    mapped = ast.dump(ast.parse(answer[device].encode()))
                    self.assertEqual(model.mapped(device), mapped, f"{name}:\n{answer[device]}")
        return accepted

    def compare_weight_metas(self, files, valid):
        accepted = 0
        for (name, source), answer in zip(files, dump([{"do": "weight_meta", "hex": source} for _, source in files])):
            if "error" in answer:
                self.assertFalse(valid, f"{name}: refused: {answer['error']}\n{source!r}")
                continue
            accepted += 1
            expected = self.read_by_python(python_meaning.weight_meta, name, source)
            self.assertEqual(expected, answer["tensors"], f"{name}:\n{source.decode()}")
        return accepted

    def read_by_python(self, reader, name, source):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "'int' object is not callable; perhaps you missed a comma?"
                python_meaning.parse(source)
                with deep_recursion():
                    return reader(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError, KeyError, python_meaning.Unexpected) as error:
            self.fail(f"{name}: accepted, Python says {error!r}:\n{source.decode(errors='replace')}")

    def compare_folders(self, root, at_least):
        folders = sorted(path.parent for path in root.rglob("model.py"))
        self.assertGreaterEqual(len(folders), at_least)
        self.compare_models([(str(folder), (folder / "model.py").read_bytes()) for folder in folders], valid=True)
        self.compare_weight_metas([(str(folder), (folder / "weight_meta.py").read_bytes()) for folder in folders], valid=True)

    def test_bundled_tasks_mean_what_python_says(self):
        self.compare_folders(ROOT / "tasks", at_least=40)

    def test_real_folders_mean_what_python_says(self):
        if not DATA.exists() and os.environ.get("PASSNET_REQUIRE_DATA") != "1":
            self.skipTest(f"{DATA} is missing: set PASSNET_DATA_DIR to the folder of test data")
        self.compare_folders(DATA, at_least=188)

    def test_generated_models_mean_what_python_says(self):
        writer = Writer(1)
        texts = [writer.model() for _ in range(GENERATED // 2)]
        self.compare_models([(f"model {i}", text.encode()) for i, text in enumerate(texts)], valid=True)
        self.check_share(self.compare_models(
            [(f"mutated model {i}", writer.mutated(text)) for i, text in enumerate(texts)], valid=False))

    def test_generated_weight_metas_mean_what_python_says(self):
        writer = Writer(2)
        texts = [writer.weight_meta() for _ in range(GENERATED // 2)]
        self.compare_weight_metas([(f"weight_meta {i}", text.encode()) for i, text in enumerate(texts)], valid=True)
        self.check_share(self.compare_weight_metas(
            [(f"mutated weight_meta {i}", writer.mutated(text)) for i, text in enumerate(texts)], valid=False))

    def check_share(self, accepted):
        """Mutations that all break a file, or none of them, would prove little."""
        self.assertGreater(accepted, GENERATED // 2 * 0.05)
        self.assertLess(accepted, GENERATED // 2 * 0.6)

    def test_sharp_corners_mean_what_python_says(self):
        head = "import torch\nfrom torch import device\nclass GraphModule(torch.nn.Module):\n    def forward(self, x):\n"
        models = [head + f"        {line}\n        return (x,)\n" for line in STATEMENTS]
        models += [head + f"        {line}\n" for line in RETURNS]
        models += [head.replace("    def", margin + "def") + f"{body}return (x,)\n" for margin in ("", " ", "        ", "\t")
                   for body in ("", "    ", "        ", "            ", "\t\t")]
        models += [prefix + head + "        return (x,)\n" for prefix in (" ", "\ufeff", "# coding: latin-1\n", "#\r", "#\0\n")]
        self.compare_models([(model, model.encode()) for model in models], valid=False)
        metas = [f"class A:\n  name = 'x'\n  shape = [2]\n  dtype = 'float32'\n  {line}\n" for line in ATTRIBUTES]
        self.compare_weight_metas([(meta, meta.encode()) for meta in metas], valid=False)

    def test_long_and_deep_expressions_stay_within_what_python_reads(self):
        head = "import torch\nclass GraphModule(torch.nn.Module):\n    def forward(self, x):\n        y = "
        tail = "\n        return (y,)\n"
        files = []
        for size in (1, 50, 150, 199, 200, 255, 256, 1000, 5000):
            for text in ("-" * size + "x", "x" + " ** x" * size, "x" + " + x" * size, "x" + ".view(1)" * size,
                         "(" * size + "x" + ")" * size, "[" * size + "x" + "]" * size, "9" * size, "x" + "[0]" * size):
                files.append((text[:20], (head + text + tail).encode()))
        self.assertGreaterEqual(self.compare_models(files, valid=False), 20)


class GeneratorTest(unittest.TestCase):
    """Inputs against the original's way of making them, with numpy and torch themselves."""

    @classmethod
    def setUpClass(cls):
        global numpy, torch
        import numpy
        import torch
        torch.set_num_threads(1)
        numpy.seterr(all="ignore")  # infinities are asked for

    def compare(self, cases):
        files = ["".join(self.written(*tensor) for tensor in tensors).encode() for _, tensors in cases]
        answers = dump([{"do": "inputs", "hex": file, "seed": str(seed)} for (seed, _), file in zip(cases, files)])
        for (seed, tensors), file, answer in zip(cases, files, answers):
            self.assertNotIn("error", answer, f"seed {seed}:\n{file.decode()}")
            made = self.made(seed, tensors)
            expected = [self.hash_of(made[name]) for name, _ in tensors]
            self.assertEqual(expected, answer["sha256"], f"seed {seed}:\n{file.decode()}")

    @staticmethod
    def hash_of(tensor):
        flat = torch.empty(tensor.numel(), dtype=tensor.dtype).copy_(tensor.reshape(-1))
        return hashlib.sha256(flat.view(torch.uint8).numpy().tobytes()).hexdigest()

    @staticmethod
    def written(name, meta):
        lines = [f"class {name}:", f"\tname = '{name}'"]
        for key, value in meta.items():
            text = repr(value)
            if isinstance(value, float) and value != value:
                text = "float('nan')"
            elif value in (float("inf"), float("-inf")):
                text = f"float('{value}')"
            lines.append(f"\t{key} = {text}")
        return "\n".join(lines) + "\n"

    @staticmethod
    def made(seed, tensors):
        """As the original: set_seed, integers with bounds at load, then the rest, classes in alphabetical order."""
        # Beyond 32 bits numpy's own generator takes a list; torch's has no such form, so those cases draw nothing of it.
        numpy.random.seed(seed if seed < 2**32 else [seed & 0xffffffff, seed >> 32])
        torch.manual_seed(seed & 0xffffffff)
        made = {}
        ordered = sorted(tensors, key=lambda tensor: tensor[0])
        for name, meta in ordered:
            dtype = getattr(torch, meta["dtype"])
            if meta["dtype"] in ("int8", "int16", "int32", "int64") and "min_val" in meta and "max_val" in meta:
                drawn = numpy.random.randint(meta["min_val"], meta["max_val"] + 1, size=meta["shape"], dtype=numpy.int64)
                made[name] = torch.as_tensor(drawn).to(dtype)
        for name, meta in ordered:
            dtype, shape = getattr(torch, meta["dtype"]), meta["shape"]
            if name in made:
                continue
            if "data" in meta:
                made[name] = torch.tensor(meta["data"], dtype=dtype).reshape(shape)
                continue
            if dtype == torch.bool:
                made[name] = torch.as_tensor(numpy.random.rand(*shape) > 0.5)
                continue
            mean, std = meta.get("mean", 0), meta.get("std", 0.1)
            drawn = numpy.random.randn(*shape) * std * 0.2 + mean if std != 0 else numpy.full(shape, float(mean))
            tensor = torch.as_tensor(drawn, dtype=torch.float64).clone()
            if "min_val" in meta or "max_val" in meta:
                tensor = torch.clamp(tensor, meta.get("min_val"), meta.get("max_val"))
            tensor = tensor.to(dtype)
            if dtype.is_floating_point:
                if not torch.isfinite(tensor).all():
                    tensor = torch.where(torch.isfinite(tensor), tensor, torch.randn_like(tensor) * 0.01)
                tensor = tensor.clamp(-100, 100)
            made[name] = tensor
        return made

    def tensor(self, chance, wide_seed):
        dtype = chance.choice(DTYPES)
        rank = chance.randint(0, 3)
        meta = {"dtype": dtype, "shape": [chance.choice([0, 1, 1, 2, 3, 4, 5, 7, 8, 16, 17]) for _ in range(rank)]}
        size = 1
        for length in meta["shape"]:
            size *= length
        floating = "float" in dtype
        if chance.random() < 0.15 and size < 64:
            meta["data"] = [self.value(chance, dtype) for _ in range(size)]
            return meta
        if chance.random() < 0.8:
            meta["mean"] = chance.choice([0, 1, -0.5, chance.uniform(-90, 90)])
        if chance.random() < 0.8:
            meta["std"] = chance.choice([0, 0.02, 1, chance.uniform(0, 20)])
        if floating and not wide_seed and chance.random() < 0.3:
            # What is not finite comes from torch's generator: some of the values, or all.
            meta["mean"] = chance.choice([6e4, 3.3e38, -6.5e4, float("inf"), float("nan"), 1.7e308])
            meta["std"] = chance.choice([1.0, 6e4, 3e38, 1e308, float("inf"), float("nan")])
        if chance.random() < 0.3:
            low, high = sorted([chance.randint(-100, 100), chance.randint(-100, 100)])
            if dtype in ("int32", "int64") and chance.random() < 0.5:
                bits = 31 if dtype == "int32" else 63
                low, high = sorted([chance.randint(-2**bits, 2**bits - 1), chance.randint(-2**bits, 2**bits - 1)])
            meta["min_val"], meta["max_val"] = low, high
            if floating or dtype == "uint8":
                meta.pop(chance.choice(["min_val", "max_val", "none"]), None)
        return meta

    @staticmethod
    def value(chance, dtype):
        if dtype == "bool":
            return chance.choice([True, False, 0, 1, 0.5])
        if "float" in dtype:
            return chance.choice([chance.uniform(-3, 3), chance.randint(-9, 9), 65519.0, 1e-8, -0.0, chance.randint(0, 2**60),
                                  float("inf"), 2.0**-24, 1e39])
        return chance.choice([chance.randint(0, 100), chance.uniform(0, 100), True])

    def test_generated_inputs_are_numpys_and_torchs(self):
        chance = random.Random(3)
        cases = []
        for _ in range(2 * GENERATED):
            seed = chance.choice([123, chance.randrange(2**32), chance.randrange(2**32, 2**64)])
            names = chance.sample(["A", "B", "Program_10", "Program_2", "a"], chance.randint(1, 3))
            cases.append((seed, [(name, self.tensor(chance, seed >= 2**32)) for name in names]))
        self.compare(cases)

    def test_large_inputs_are_numpys_and_torchs(self):
        sizes = [15, 16, 17, 31, 32, 33, 1023, 1024, 1025, 100003]
        self.compare([(seed, [("A", {"dtype": dtype, "shape": [size], "std": std}), ("B", {"dtype": dtype, "shape": [size]})])
                      for seed in (123, 7) for size in sizes for std in (1.0, float("inf"))
                      for dtype in ("float16", "bfloat16", "float32", "float64")])

    def test_last_bits_of_torchs_polynomials(self):
        # A coefficient that is off by its last bit changes about one value in ten thousand.
        self.compare([(5, [("A", {"dtype": "float32", "shape": [3000001], "std": float("inf")})])])


if __name__ == "__main__":
    unittest.main()
