"""The static rules for a candidate's Python files, on the syntax tree alone.

A dotted name is resolved through the file's own imports, so that a function called torch_gelu is no torch function and
`import torch as t` hides nothing. What cannot be typed statically (operators and views on tensors) is not
judged.

Threads: pure functions. Errors: none.
"""

import ast
import contextlib
import re
import sys
from typing import Iterator

from . import screen_tables as tables

Finding = tuple[int, str, str]
MAX_DEPTH = 400  # a hundred routes told apart by elif nest about that deep
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def screen(text: str, siblings: set[str]) -> list[Finding]:
    for number, line in enumerate(text.split("\n")[:2], 1):
        cookie = COOKIE.match(line)
        if cookie and cookie.group(1).lower().replace("_", "-") not in ("utf-8", "utf8"):
            return [(number, "L1.encoding", f"the file declares the encoding {cookie.group(1)}")]
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    except (RecursionError, MemoryError):
        return [(0, "L1.depth", "the file nests deeper than Python's own limit")]
    if _depth(tree) > MAX_DEPTH:
        return [(0, "L1.depth", f"the syntax tree is deeper than {MAX_DEPTH}")]
    visitor = _Screen(tree, siblings)
    with _deep_recursion():
        visitor.run()
    return sorted(set(visitor.findings))


@contextlib.contextmanager
def _deep_recursion() -> Iterator[None]:
    """The visitor takes a few Python frames a level, and Python 3.11 keeps those on the heap."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 16 * MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _depth(tree: ast.AST) -> int:
    """Deepest nesting, without recursion; chains of operators and of attributes count too."""
    level, nodes = 0, [tree]
    while nodes and level <= MAX_DEPTH:
        nodes = [child for node in nodes for child in ast.iter_child_nodes(node)]
        level += 1
    return level


def _bound_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Names that are local to the function itself. A comprehension's names are not: it has a scope of its own."""
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    bound = {argument.arg for argument in named if argument is not None}
    elsewhere: set[str] = set()
    pending = [] if isinstance(function, ast.Lambda) else list(function.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            elsewhere.update(node.names)
        elif not isinstance(node, _SCOPES):
            pending.extend(ast.iter_child_nodes(node))
    return bound - elsewhere


_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp,
           ast.GeneratorExp)


class _Screen(ast.NodeVisitor):
    def __init__(self, tree: ast.Module, siblings: set[str]):
        self.tree = tree
        self.siblings = siblings
        self.findings: list[Finding] = []
        self.names: dict[str, str] = {}  # what an imported name stands for: "tl" → "triton.language"
        self.modules: set[str] = set()   # names that stand for modules
        self.functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        self.in_pattern = False
        self.in_kernel = False
        self.scopes: list[set[str]] = []

    def report(self, node: ast.AST, rule: str, text: str) -> None:
        self.findings.append((getattr(node, "lineno", 0), rule, text))

    def run(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.note_import(node)
        for statement in self.tree.body:
            self.check_module_level(statement)
            self.visit(statement)

    # Imports

    def note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self.check_import(node, alias.name)
                bound = alias.asname or alias.name.split(".")[0]
                self.names[bound] = alias.name if alias.asname else bound
                self.modules.add(bound)
            else:
                self.note_from(node, alias)

    def note_from(self, node: ast.ImportFrom, alias: ast.alias) -> None:
        if node.level:
            self.report(node, "H11.import", "relative imports fail in PassBench: write from pass_dir.<file> import …")
            return
        if alias.name == "*":
            self.report(node, "H11.import", f"from {node.module} import * hides which names are used")
            return
        full = f"{node.module}.{alias.name}"
        self.names[alias.asname or alias.name] = full
        if full in tables.MODULE_VALUES or (node.module == "pass_dir" and alias.name in self.siblings):
            self.modules.add(alias.asname or alias.name)
            if full not in tables.MODULE_VALUES:
                self.check_import(node, full)
            return
        self.check_import(node, node.module or "")
        if full.startswith("pass_dir.") and alias.name == "pattern":
            self.report(node, "H12.pattern-call", "pattern describes what is replaced; no other code may use it")
        self.check_dotted(node, full)

    def check_import(self, node: ast.AST, module: str) -> None:
        if module in tables.MODULES or module.startswith("triton.language.extra"):
            return
        if module == "pass_dir" or module.removeprefix("pass_dir.") in self.siblings:
            return
        root = module.split(".")[0]
        rule = tables.IMPORT_RULES.get(root, "H11.import")
        what = f"pass_dir has no file {module.removeprefix('pass_dir.')}.py" if root == "pass_dir" else \
            f"a pass may import torch, math, typing, triton, passnet_kernels and its own files, not {module}"
        if root == "torch":
            rule = tables.torch_rule(module)
        self.report(node, rule, what)

    # Module level

    def check_module_level(self, node: ast.stmt) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Pass)):
            return
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and self.is_constant_assignment(node):
            return
        if isinstance(node, ast.Expr) and (isinstance(node.value, ast.Constant) or self.is_wrap_call(node.value)):
            return
        if isinstance(node, ast.Try) and all(isinstance(part, (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass))
                                             for part in [*node.body, *node.orelse, *node.finalbody,
                                                          *(s for handler in node.handlers for s in handler.body)]):
            return
        if not isinstance(node, (ast.ClassDef, ast.AsyncFunctionDef)):  # these have findings of their own
            self.report(node, "L1.module-level", "the module level holds imports, functions, constants and "
                                                 'k = passnet_kernels.load("…") only')

    def is_constant_assignment(self, node: ast.Assign | ast.AnnAssign) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        plain = all(isinstance(part, ast.Name) for target in targets
                    for part in (target.elts if isinstance(target, ast.Tuple) else [target]))
        return plain and (node.value is None or self.is_constant(node.value))

    def is_constant(self, node: ast.expr) -> bool:
        if isinstance(node, (ast.Constant, ast.Name)):
            return True
        if isinstance(node, ast.Attribute):
            dotted = self.dotted(node)
            return dotted is not None and (dotted in tables.TORCH_ALLOWED or dotted.startswith(("math.", "triton.")))
        if isinstance(node, ast.Call):
            return self.is_constant_call(node)
        if isinstance(node, (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.Subscript,
                             ast.JoinedStr, ast.FormattedValue, ast.Starred, ast.Slice)):
            return all(self.is_constant(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        return False

    def is_constant_call(self, node: ast.Call) -> bool:
        name = self.dotted(node.func)
        known = name is not None and (name in tables.CONSTANT_CALLS or name.startswith("math."))
        return known and all(self.is_constant(value)
                             for value in [*node.args, *(keyword.value for keyword in node.keywords)])

    def is_wrap_call(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.dotted(node.func) == "torch.fx.wrap"

    # Names

    def dotted(self, node: ast.expr) -> str | None:
        """The full name of a chain of attributes, through the imports; None when it starts with a value."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        if parts and node.id not in self.names:
            return None
        return ".".join([self.names.get(node.id, node.id), *reversed(parts)])

    def check_dotted(self, node: ast.AST, name: str) -> None:
        """A name that an import or an attribute chain leads to."""
        root = name.split(".")[0]
        if root == "torch" and not tables.torch_allowed(name) and not self.in_pattern:
            self.report(node, tables.torch_rule(name), f"{name} is not among the factories, types and metadata that a "
                                                       "pass may use outside pattern")
        elif name.startswith("triton.language"):
            if tables.TL_FORBIDDEN.search(name):
                self.report(node, "H13.inline-asm", f"{name} runs code or addresses that cannot be checked")
        elif root == "triton" and name not in tables.TRITON_ALLOWED:
            self.report(node, "H13.triton", f"{name} is not among the names of triton that a pass needs")
        elif root in ("typing", "math") and not tables.PLAIN_MEMBER.fullmatch(name):
            self.report(node, "H7.dunder", f"{name}: of typing and math a pass needs their own names only")
        elif root == "passnet_kernels" and name not in ("passnet_kernels", "passnet_kernels.load"):
            self.report(node, "H3.kernels", f"of passnet_kernels a pass may use load, not {name}")
        elif root == "pass_dir" and name.endswith(".pattern"):
            self.report(node, "H12.pattern-call", "pattern describes what is replaced; no other code may use it")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.check_store(node)
        if node.attr.startswith("__") and not (self.in_pattern and node.attr in tables.PATTERN_DUNDERS):
            self.report(node, "H7.dunder", f".{node.attr}: a pass needs no double-underscore attribute")
        name = self.dotted(node)
        if name is not None and name.split(".")[0] in tables.ROOTS:
            if self.is_module(name):
                self.report(node, "H2.module-value", f"the module {name} is used as a value, which hides what is taken "
                                                     "from it")
            self.check_dotted(node, name)
            return  # the chain was judged as a whole
        if not self.in_pattern and not self.in_kernel and node.attr in tables.COMPUTE_METHODS \
                and node.attr not in tables.ALSO_FIELDS:
            self.report(node, "G2.method", f".{node.attr} computes with torch: the work belongs into the kernel")
        self.generic_visit(node)

    def is_module(self, name: str) -> bool:
        return name in tables.MODULE_VALUES or name.removeprefix("pass_dir.") in self.siblings

    def check_store(self, node: ast.Attribute) -> None:
        base = node.value
        if isinstance(base, ast.Name) and base.id in self.functions and not node.attr.startswith("_"):
            return  # a function's own attribute: storage is judged by behaviour
        name = self.dotted(node)
        if name is not None and (isinstance(base, ast.Attribute) or base.id in self.modules):
            self.report(node, "H3.module-store", f"assigns to {name}: a pass must not change a module")
        else:
            self.report(node, "H3.attribute-store", f"assigns to .{node.attr} of an object: a pass has no objects of "
                                                    "its own to change")

    def visit_Name(self, node: ast.Name) -> None:
        if any(node.id in scope for scope in self.scopes) and node.id not in self.names:
            return  # a local name, whatever it is called: `input` is what many patterns call theirs
        if node.id in tables.FORBIDDEN_BUILTINS:
            self.report(node, tables.FORBIDDEN_BUILTINS[node.id], f"{node.id} reaches what a pass must not touch")
        elif node.id.startswith("__") and node.id.endswith("__"):
            self.report(node, "H7.dunder", f"{node.id}: a pass needs no double-underscore name")
        elif node.id in self.modules and not isinstance(node.ctx, ast.Load):
            self.report(node, "H3.module-store", f"rebinds the imported name {node.id}")
        elif node.id in self.modules:
            # visit_Attribute() stops at chains that start with a module, so this one is used as a value.
            self.report(node, "H2.module-value", f"the module {node.id} is used as a value, which hides what is taken "
                                                 "from it")
        elif node.id == "pattern" and "pattern" in self.functions and isinstance(node.ctx, ast.Load):
            self.report(node, "H12.pattern-call", "pattern describes what is replaced; no other code may use it")

    # Statements and expressions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        kernel = False
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            name = self.dotted(called)
            kernel |= name in ("triton.jit", "triton.language.jit")
            if name not in tables.DECORATORS:
                self.report(decorator, "H13.decorator", f"@{ast.unparse(called)[:80]}: decorators of a pass are "
                                                        f"{', '.join(sorted(tables.DECORATORS))}")
            self.visit(decorator)
        self.visit(node.args)
        outer = (self.in_pattern, self.in_kernel)
        self.in_pattern |= node.name == "pattern" and node in self.tree.body
        self.in_kernel |= kernel
        self.scopes.append(_bound_names(node))
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()
        self.in_pattern, self.in_kernel = outer
        if node.name == "replacement_args" and node in self.tree.body:
            self.check_replacement_args(node)

    def check_replacement_args(self, node: ast.FunctionDef) -> None:
        body = [part for part in node.body
                if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
        arguments = {argument.arg for argument in node.args.args}
        constants = all(isinstance(part, ast.Assign) and self.is_shuffle(part.value, arguments) for part in body[:-1])
        last = body[-1] if body else None
        if not constants or not isinstance(last, ast.Return) or last.value is None \
                or not self.is_shuffle(last.value, arguments):
            self.report(node, "H12.replacement-args", "replacement_args only returns a tuple of its arguments and "
                                                      "constants")

    def is_shuffle(self, node: ast.expr, arguments: set[str]) -> bool:
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(self.is_shuffle(item, arguments) for item in node.elts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):  # (x, y) + ("route",)
            return all(isinstance(side, (ast.Tuple, ast.List)) and self.is_shuffle(side, arguments)
                       or isinstance(side, ast.Name) and side.id not in arguments for side in (node.left, node.right))
        if isinstance(node, ast.Starred):
            return isinstance(node.value, ast.Name)
        if isinstance(node, ast.Attribute):
            return self.dotted(node) in tables.TORCH_ALLOWED
        if isinstance(node, ast.UnaryOp):
            return isinstance(node.operand, ast.Constant)
        return isinstance(node, (ast.Constant, ast.Name))

    def visit_Call(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg in tables.HOOKS:
                self.report(keyword.value, "H13.hook", f"{keyword.arg}= runs code around every launch")
        if isinstance(node.func, ast.Attribute) and node.func.attr in tables.ALSO_FIELDS:
            self.check_ambiguous_method(node.func)
        if self.dotted(node.func) == "passnet_kernels.load" and not _one_literal(node):
            self.report(node, "H3.kernels", "passnet_kernels.load takes the kernel's name as one literal string")
        self.generic_visit(node)

    def check_ambiguous_method(self, node: ast.Attribute) -> None:
        name = self.dotted(node)
        imported = name is not None and name.split(".")[0] in tables.ROOTS
        if not imported and not self.in_pattern and not self.in_kernel:
            self.report(node, "G2.method", f".{node.attr}() computes with torch: the work belongs into the kernel")

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.op, ast.MatMult) and not self.in_pattern:
            self.report(node, "G1.matmul", "@ multiplies matrices with torch: the work belongs into the kernel")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.op, ast.MatMult) and not self.in_pattern:
            self.report(node, "G1.matmul", "@= multiplies matrices with torch: the work belongs into the kernel")
        self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.report(node, "H4.class", f"class {node.name[:80]}: a pass consists of functions and constants")
        self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.report(node, "T3.async", "async functions put work outside the call")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        absent = isinstance(node.value, ast.Constant) and node.value.value is None
        if absent and all(isinstance(target, ast.Name) for target in node.targets):
            return  # triton = None, where its import failed
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        if node.arg in self.modules:
            self.report(node, "H2.shadow", f"an argument called like the imported {node.arg} hides what it is")
        self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self.visit(node.args)
        self.scopes.append(_bound_names(node))
        self.visit(node.body)
        self.scopes.pop()

    def visit_Import(self, node: ast.Import) -> None:
        pass  # judged by note_import()

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        pass


def _one_literal(node: ast.Call) -> bool:
    return len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.Constant) \
        and isinstance(node.args[0].value, str)
