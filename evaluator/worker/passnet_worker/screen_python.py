"""The static rules for a candidate's Python files, on the syntax tree alone.

A dotted name is resolved through the file's own imports, so that a function called torch_gelu is no torch function and
`import torch as t` hides nothing. Names and attributes are allowed from lists (screen_tables.py), so that no way to
reach an object's insides need be known by name. What cannot be typed statically (operators and views on tensors) is not
judged.

Threads: pure functions. Errors: none.
"""

import ast
import builtins
import contextlib
import re
import sys
from typing import Iterator

from . import screen_files, screen_toplevel
from . import screen_tables as tables

Finding = tuple[int, str, str]
MAX_DEPTH = 400  # a hundred routes told apart by elif nest about that deep
COOKIE = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


def parse(text: str) -> ast.Module | list[Finding]:
    """The findings are empty for a syntax error: importing the file gives the better message."""
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
    return tree


def screen(text: str, name: str, siblings: set[str], files: screen_files.Files) -> list[Finding]:
    """`name`: as the file is imported below pass_dir."""
    if name not in files.modules:
        found = parse(text)
        return found if isinstance(found, list) else []
    visitor = _Screen(files.modules[name], siblings, files)
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
    def __init__(self, module: screen_files.Module, siblings: set[str], files: screen_files.Files):
        self.tree = module.tree
        self.module = module
        self.files = files
        self.siblings = siblings
        self.findings: list[Finding] = []
        self.names: dict[str, str] = {}  # what an imported name stands for: "tl" → "triton.language"
        self.modules: set[str] = set()   # names that stand for modules
        self.top = screen_toplevel.TopLevel(module, self.names)
        self.functions = set(module.functions)
        self.in_pattern = False
        self.in_kernel = False
        self.scopes: list[set[str]] = []
        self.parents: dict[ast.AST, ast.AST] = {}

    def report(self, node: ast.AST, rule: str, text: str) -> None:
        self.findings.append((getattr(node, "lineno", 0), rule, text))

    def run(self) -> None:
        for node in ast.walk(self.tree):
            self.parents.update((child, node) for child in ast.iter_child_nodes(node))
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.note_import(node)
        for statement in self.tree.body:
            # Classes and async functions have findings of their own.
            if not self.top.allows(statement) and not isinstance(statement, (ast.ClassDef, ast.AsyncFunctionDef)):
                self.report(statement, "L1.module-level", "the module level holds imports, functions, constants and "
                                                          'k = passnet_kernels.load("…") only')
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
        if full.split(".")[0] != "torch" or tables.torch_rule(full) != "G1.torch-load":
            self.check_dotted(node, full)  # what computes with torch is judged where it is used: patterns may

    def check_import(self, node: ast.AST, module: str) -> None:
        if module in tables.MODULES | tables.PATTERN_MODULES or module.startswith("triton.language.extra"):
            return
        if module == "pass_dir" or module.removeprefix("pass_dir.") in self.siblings:
            return
        root = module.split(".")[0]
        rule = tables.IMPORT_RULES.get(root, "H11.import")
        what = f"pass_dir has no file {module.removeprefix('pass_dir.')}.py" if root == "pass_dir" else \
            f"a pass may import torch, math, operator, itertools, functools, typing, triton, passnet_kernels and its own " \
            f"files, not {module}"
        if root == "torch":
            rule = tables.torch_rule(module)
        self.report(node, rule, what)

    # Names

    def dotted(self, node: ast.expr) -> str | None:
        return screen_files.dotted(node, self.names)

    def check_dotted(self, node: ast.AST, name: str) -> None:
        """A name that an import or an attribute chain leads to."""
        root = name.split(".")[0]
        if root == "torch":
            self.check_torch(node, name)
        elif name.startswith("triton.language"):
            if tables.TL_FORBIDDEN.search(name):
                self.report(node, "H13.inline-asm", f"{name} runs code or addresses that cannot be checked")
            elif any(tables.INSIDES.fullmatch(part) for part in name.split(".")):
                self.report(node, "H7.attribute", f"{name} reaches what a pass must not touch")
        elif root == "triton" and name not in tables.TRITON_ALLOWED:
            self.report(node, "H13.triton", f"{name} is not among the names of triton that a pass needs")
        elif root in tables.PLAIN_MODULES and name != root and name not in tables.PLAIN_NAMES \
                and not tables.MATH_NAME.fullmatch(name):
            self.report(node, tables.PLAIN_RULES.get(name, "H7.dunder"),
                        f"{name} is not among the names of {root} that a pass may use")
        elif root == "passnet_kernels" and name not in ("passnet_kernels", "passnet_kernels.load"):
            self.report(node, "H3.kernels", f"of passnet_kernels a pass may use load, not {name}")
        elif root == "pass_dir":
            self.check_own(node, name.removeprefix("pass_dir").removeprefix("."))

    def check_torch(self, node: ast.AST, name: str) -> None:
        rule = tables.torch_rule(name)
        if self.in_pattern:
            if rule in tables.NOT_IN_PATTERNS and not name.startswith("torch._C."):
                self.report(node, rule, f"{name} is no operation of a graph")
        elif not tables.torch_allowed(name):
            self.report(node, rule, f"{name} is not among the factories, types and metadata that a pass may use "
                                    "outside pattern")

    def check_own(self, node: ast.AST, name: str) -> None:
        """`name` below pass_dir: a file, something that the file defines, or an attribute of that."""
        file = max((known for known in self.siblings if name == known or name.startswith(known + ".")), key=len,
                   default=None)
        if file is None or name == file:
            return
        first, *rest = name[len(file) + 1:].split(".")
        module = self.files.modules.get(file)
        if first == "pattern":
            self.report(node, "H12.pattern-call", "pattern describes what is replaced; no other code may use it")
        elif module is not None and first in module.imported:
            self.report(node, "H2.reexport", f"{name} is what {file}.py imports: import it from where it is defined")
        elif module is not None and first not in module.functions and first not in module.assigned:
            self.report(node, "H7.dunder", f"{file}.py defines no {first}")
        for number, attribute in enumerate(rest):
            handle = module is not None and number == 0 and first in module.handles
            self.check_value_attribute(node, attribute, handle, module is not None and first in module.functions)

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
        base = node.value
        own = isinstance(base, ast.Name) and base.id in self.functions
        handle = isinstance(base, ast.Name) and base.id in self.module.handles \
            or isinstance(base, ast.Call) and self.dotted(base.func) == "passnet_kernels.load"
        if node.attr == "format" and not _plain_format(base):
            self.report(node, "H7.attribute", ".format reads attributes that its text names: use an f-string")
        elif not node.attr.startswith("__"):
            self.check_value_attribute(node, node.attr, handle, own)
        self.generic_visit(node)

    def check_value_attribute(self, node: ast.AST, attribute: str, handle: bool, own: bool) -> None:
        """An attribute of something that is no module. `handle`: of a loaded kernel, `own`: of a function."""
        if tables.INSIDES.fullmatch(attribute) and not (self.in_pattern and attribute in tables.PATTERN_DUNDERS):
            self.report(node, "H7.attribute", f".{attribute} reaches the insides of an object")
        elif self.in_pattern:
            if attribute in tables.TRACER_INSIDES:
                self.report(node, "H7.attribute", f".{attribute} reaches into the tracer")
        elif self.in_kernel or handle or own or attribute in tables.ALSO_FIELDS:
            return
        elif attribute in tables.COMPUTE_METHODS:
            self.report(node, "G2.method", f".{attribute} computes with torch: the work belongs into the kernel")
        elif attribute not in tables.VALUE_ATTRIBUTES and not self.is_export(attribute):
            self.report(node, "H7.attribute", f".{attribute} is not among the attributes of tensors and plain data that "
                                              "a pass needs outside pattern")

    def is_export(self, attribute: str) -> bool:
        """A function of a kernel, on an object that cannot be told statically: kernels[route].run(…)."""
        return attribute in self.files.exports and attribute not in tables.known_attributes()

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
        elif node.id in self.names:
            if self.names[node.id].startswith("torch."):
                self.check_dotted(node, self.names[node.id])
        elif node.id == "pattern" and "pattern" in self.functions and isinstance(node.ctx, ast.Load):
            self.report(node, "H12.pattern-call", "pattern describes what is replaced; no other code may use it")
        elif node.id == "type" and node.id not in self.functions:
            self.check_type(node)
        elif hasattr(builtins, node.id) and not self.is_plain_builtin(node.id):
            self.report(node, "H7.builtin", f"{node.id} is not among the builtins that a pass needs")

    def is_plain_builtin(self, name: str) -> bool:
        value = getattr(builtins, name)
        return name in tables.BUILTINS or name in self.functions or name in self.module.assigned \
            or (isinstance(value, type) and issubclass(value, Exception))

    def check_type(self, node: ast.Name) -> None:
        """type(x) may be compared and shown: as a value it makes objects and classes of whatever x is."""
        call = self.parents.get(node)
        use = self.parents.get(call) if isinstance(call, ast.Call) and call.func is node else None
        shown = isinstance(use, ast.Call) and isinstance(use.func, ast.Name) and use.func.id in ("str", "repr", "print")
        if not isinstance(use, (ast.Compare, ast.FormattedValue)) and not shown or len(call.args) != 1:
            self.report(node, "H4.type", "type is for comparisons (type(x) is int): ask isinstance otherwise")

    # Statements and expressions

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.check_bound(node, node.name)
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
        self.in_pattern |= node in self.tree.body and (node.name == "pattern" or node.name in self.module.pattern_only)
        self.in_kernel |= kernel
        self.scopes.append(_bound_names(node))
        for statement in node.body:
            self.visit(statement)
        self.scopes.pop()
        self.in_pattern, self.in_kernel = outer
        if node.name == "replacement_args" and node in self.tree.body and not self.top.only_shuffles(node):
            self.report(node, "H12.replacement-args", "replacement_args only returns a tuple of its arguments and "
                                                      "constants")

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

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        """A class pattern reads attributes: those that it names, and those that __match_args__ names."""
        for attribute in node.kwd_attrs:
            if attribute.startswith("__"):
                self.report(node, "H7.dunder", f"case …({attribute}=…): a pass needs no double-underscore attribute")
            else:
                self.check_value_attribute(node, attribute, False, False)
        if node.patterns and not (isinstance(node.cls, ast.Name) and node.cls.id in tables.SELF_MATCHING):
            self.report(node, "H7.attribute", "a class pattern without names reads what the class chooses: write "
                                              "case C(name=…)")
        self.generic_visit(node)

    def check_bound(self, node: ast.AST, name: str | None) -> None:
        if name is not None and name in self.names:
            self.report(node, "H2.shadow", f"binds the imported name {name} to something else")

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.check_bound(node, node.name)
        self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        self.check_bound(node, node.name)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.check_bound(node, node.rest)
        self.generic_visit(node)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self.check_bound(node, node.name)
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


def _plain_format(base: ast.expr) -> bool:
    """A literal whose fields name no attribute and no item."""
    return isinstance(base, ast.Constant) and isinstance(base.value, str) and not re.search(r"\{[^{}]*[.\[]", base.value)


def _one_literal(node: ast.Call) -> bool:
    return len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.Constant) \
        and isinstance(node.args[0].value, str)
