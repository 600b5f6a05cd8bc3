"""What may stand at a pass file's module level, and what replacement_args may hold: code that runs when the file is
loaded or matched, before any clock.

Threads: pure functions. Errors: none.
"""

import ast

from . import screen_files
from . import screen_tables as tables

CONTAINERS = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.Subscript, ast.IfExp, ast.Compare,
              ast.BoolOp, ast.JoinedStr, ast.FormattedValue, ast.Starred, ast.Slice)


class TopLevel:
    """`names`: what the file's imported names stand for."""

    def __init__(self, module: screen_files.Module, names: dict[str, str]):
        self.names = names
        self.own = module.assigned | set(module.functions)

    def dotted(self, node: ast.expr) -> str | None:
        return screen_files.dotted(node, self.names)

    def allows(self, node: ast.stmt) -> bool:
        """Imports, functions, constants and calls that load a kernel or wrap a function."""
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.Pass)):
            return True
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            return self.is_constant_assignment(node)
        if isinstance(node, ast.Expr):
            return isinstance(node.value, ast.Constant) or self.is_wrap_call(node.value)
        return isinstance(node, ast.Try) and all(isinstance(part, (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass))
                                                 for part in [*node.body, *node.orelse, *node.finalbody,
                                                              *(s for handler in node.handlers for s in handler.body)])

    def is_constant_assignment(self, node: ast.Assign | ast.AnnAssign) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        plain = all(isinstance(part, ast.Name) for target in targets
                    for part in (target.elts if isinstance(target, ast.Tuple) else [target]))
        return plain and (node.value is None or self.is_constant(node.value))

    def is_constant(self, node: ast.expr) -> bool:
        if isinstance(node, (ast.Constant, ast.Name, ast.Lambda)):  # a lambda's body does not run here
            return True
        if isinstance(node, ast.Attribute):
            return self.is_constant_attribute(node)
        if isinstance(node, ast.Call):
            return self.is_constant_call(node)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            for generator in node.generators:
                parts += [generator.target, generator.iter, *generator.ifs]
            return all(self.is_constant(part) for part in parts)
        if isinstance(node, CONTAINERS):
            return all(self.is_constant(child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
        return False

    def is_constant_attribute(self, node: ast.Attribute) -> bool:
        dotted = self.dotted(node)
        if dotted is not None:
            return dotted in tables.TORCH_ALLOWED or dotted.startswith(("math.", "triton.", "operator."))
        # torch.finfo(torch.float16).min
        return isinstance(node.value, ast.Call) and self.dotted(node.value.func) in tables.DESCRIPTIONS \
            and self.is_constant(node.value)

    def is_constant_call(self, node: ast.Call) -> bool:
        name = self.dotted(node.func)
        known = name is not None and (name in tables.CONSTANT_CALLS or name.startswith(("math.", "itertools.")))
        if isinstance(node.func, ast.Attribute) and name is None:  # SIZES.items(), "a b".split()
            known = node.func.attr in tables.CONSTANT_METHODS and self.is_constant(node.func.value)
        if isinstance(node.func, ast.Name) and node.func.id in self.own:
            known = False  # int = fused; x = int(3)
        return known and all(self.is_constant(value)
                             for value in [*node.args, *(keyword.value for keyword in node.keywords)])

    def is_wrap_call(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Call) and self.dotted(node.func) == "torch.fx.wrap"

    def only_shuffles(self, node: ast.FunctionDef) -> bool:
        """replacement_args: constants, then one tuple of arguments and constants."""
        body = [part for part in node.body
                if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))]
        arguments = {argument.arg for argument in node.args.args}
        last = body[-1] if body else None
        return all(isinstance(part, ast.Assign) and self.is_shuffle(part.value, arguments) for part in body[:-1]) \
            and isinstance(last, ast.Return) and last.value is not None and self.is_shuffle(last.value, arguments)

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
