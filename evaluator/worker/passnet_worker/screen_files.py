"""What the static rules need to know of a candidate's other files: which names a Python file defines itself, which
functions only patterns call, which names a kernel exports.

Threads: pure functions. Errors: none; a file that does not parse defines nothing.
"""

import ast
import re
from dataclasses import dataclass, field

ENTRY_POINTS = ("pattern", "replacement_args", "replacement_func")
EXPORTED = re.compile(r"\b([A-Za-z]\w*)\b")

Reference = tuple[str, str]  # file without .py, as it is imported; name of a top-level function


@dataclass
class Module:
    """`imported`: what an imported name stands for: "tl" → "triton.language"."""

    tree: ast.Module
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    handles: set[str] = field(default_factory=set)  # names that hold passnet_kernels.load(…) and nothing else
    imported: dict[str, str] = field(default_factory=dict)
    pattern_only: set[str] = field(default_factory=set)


@dataclass
class Files:
    modules: dict[str, Module] = field(default_factory=dict)
    exports: set[str] = field(default_factory=set)  # words of the native files: a kernel's functions are among them


def gather(trees: dict[str, ast.Module], natives: list[str]) -> Files:
    """`trees` by importable name below pass_dir, `natives` the texts of the kernels."""
    files = Files({name: _module(tree) for name, tree in trees.items()},
                  {word for text in natives for word in EXPORTED.findall(text)})
    _mark_pattern_only(files)
    return files


def _module(tree: ast.Module) -> Module:
    module = Module(tree)
    other_stores: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.split(".")[0]
                module.imported[bound] = alias.name if alias.asname else bound
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                module.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    loaded: set[ast.Name] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_load(node.value, module):
            loaded.update(target for target in node.targets if isinstance(target, ast.Name))
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load) and node not in loaded:
            other_stores.add(node.id)
        elif isinstance(node, ast.arg):
            other_stores.add(node.arg)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            other_stores.add(node.name)
    module.handles = {name.id for name in loaded} - other_stores
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            module.functions[statement.name] = statement
        else:
            module.assigned.update(node.id for node in ast.walk(statement)
                                   if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return module


def _is_load(node: ast.expr, module: Module) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func, module.imported) == "passnet_kernels.load"


def dotted(node: ast.expr, imported: dict[str, str]) -> str | None:
    """The full name of a chain of attributes, through the imports; None when it starts with a value."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    if parts and node.id not in imported:
        return None
    return ".".join([imported.get(node.id, node.id), *reversed(parts)])


def _mark_pattern_only(files: Files) -> None:
    """A function is one of patterns when a pattern leads to it and no code does. Code is what runs otherwise: the module
    level, functions that nothing names (someone may call them), decorated ones, and all that these lead to."""
    uses: dict[Reference, set[Reference]] = {}
    for name, module in files.modules.items():
        _note_uses(name, module, files, uses)
    used = set().union(*uses.values()) if uses else set()
    patterns, code = [], []
    for name, module in files.modules.items():
        code.append((name, ""))
        for function, definition in module.functions.items():
            place = (name, function)
            if function == "pattern":
                patterns.append(place)
            elif function in ENTRY_POINTS or place not in used or definition.decorator_list:
                code.append(place)
    for name, function in _reached(patterns, uses) - _reached(code, uses) - set(patterns):
        files.modules[name].pattern_only.add(function)


def _reached(starts: list[Reference], uses: dict[Reference, set[Reference]]) -> set[Reference]:
    reached, pending = set(starts), list(starts)
    while pending:
        more = uses.get(pending.pop(), set()) - reached
        reached |= more
        pending += more
    return reached


def _note_uses(name: str, module: Module, files: Files, uses: dict[Reference, set[Reference]]) -> None:
    """Which functions each function names. Decorators and default values run when the module is loaded, so they are the
    module's uses."""
    for statement in module.tree.body:
        if isinstance(statement, ast.FunctionDef):
            parts = [(part, (name, statement.name)) for part in statement.body]
            outside = [*statement.decorator_list, statement.args, *([statement.returns] if statement.returns else [])]
            parts += [(part, (name, "")) for part in outside]
        else:
            parts = [(statement, (name, ""))]
        for part, user in parts:
            for node in ast.walk(part):
                target = _function_named(node, name, module, files)
                if target is not None and target != user:
                    uses.setdefault(user, set()).add(target)


def _function_named(node: ast.AST, name: str, module: Module, files: Files) -> Reference | None:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in module.functions:
        return (name, node.id)
    if isinstance(node, (ast.Name, ast.Attribute)):
        full = dotted(node, module.imported)
        if full is not None and full.startswith("pass_dir."):
            file, _, function = full.removeprefix("pass_dir.").rpartition(".")
            if file in files.modules and function in files.modules[file].functions:
                return (file, function)
    return None
