"""What PassBench's Python files mean by Python's own ast: the other side of the comparison with passbench/.

An independent reading: it knows the straight-line form, but nothing of how passbench/ reads it. Unexpected is raised
where a file holds something that the form has no place for; whoever accepts such a file is wrong.
"""

import ast
import struct

OPERATORS = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.MatMult: "matmul", ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitAnd: "and_",
    ast.BitOr: "or_", ast.BitXor: "xor", ast.Eq: "eq", ast.NotEq: "ne", ast.Lt: "lt", ast.LtE: "le", ast.Gt: "gt",
    ast.GtE: "ge", ast.USub: "neg", ast.UAdd: "pos", ast.Invert: "invert",
}
ALIASES = {"half": "float16", "float": "float32", "double": "float64", "short": "int16", "int": "int32", "long": "int64"}


class Unexpected(Exception):
    pass


def parse(source):
    """The syntax tree of the file's bytes, which Python must be able to compile as well."""
    tree = ast.parse(source)
    compile(source, "<file>", "exec", dont_inherit=True)
    return tree


def path_of(node):
    """"torch.nn.functional.silu" for such a chain that begins with torch, else None."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name) and node.id == "torch":
        return ".".join(["torch", *reversed(names)])
    return None


def is_cuda(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and (
        node.value == "cuda" or node.value.startswith("cuda:"))


class Model:
    """parameters, ops, outputs and literals of a model.py; `tree` is its syntax tree."""

    def __init__(self, source):
        self.tree = parse(source)
        self.line_starts = [0]
        for line in source.splitlines(keepends=True):
            self.line_starts.append(self.line_starts[-1] + len(line))
        self.ops = []
        self.device_nodes = []
        forward = self.find_forward()
        self.parameters = [argument.arg for argument in forward.args.args][1:]
        self.variables = set(self.parameters)
        *body, last = forward.body
        for statement in body:
            self.read_statement(statement)
        if not isinstance(last, ast.Return) or last.value is None:
            raise Unexpected("no return at the end")
        self.read(last.value)
        self.outputs = len(last.value.elts) if isinstance(last.value, ast.Tuple) else 1

    def find_forward(self):
        *imports, module = self.tree.body
        for node in imports:
            names = [name.name for name in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else ["?"]
            if any(name.asname for name in getattr(node, "names", [])):
                raise Unexpected("import as")
            from_torch = isinstance(node, ast.ImportFrom) and node.module == "torch" and node.level == 0
            if not (from_torch and set(names) <= {"device", "inf", "nan"} or
                    isinstance(node, ast.Import) and names == ["torch"]):
                raise Unexpected("imports")
        if not isinstance(module, ast.ClassDef) or module.name != "GraphModule" or module.decorator_list or \
                module.keywords or [path_of(base) for base in module.bases] != ["torch.nn.Module"]:
            raise Unexpected("the class")
        forward, = module.body
        arguments = forward.args
        if not isinstance(forward, ast.FunctionDef) or forward.name != "forward" or forward.returns or \
                forward.decorator_list or arguments.posonlyargs or arguments.kwonlyargs or arguments.vararg or \
                arguments.kwarg or arguments.defaults or arguments.args[0].arg != "self":
            raise Unexpected("forward")
        return forward

    def read_statement(self, node):
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            self.read(node.value)
            self.variables |= {target.id for target in node.targets}
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Subscript) and \
                isinstance(node.targets[0].value, ast.Name):
            self.known(node.targets[0].value.id)
            self.read(node.targets[0].slice)
            self.read(node.value)
            self.ops.append("setitem")
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.known(node.target.id)
            self.read(node.value)
            self.ops.append("i" + OPERATORS[type(node.op)].rstrip("_"))
        elif isinstance(node, ast.Expr):
            self.read(node.value)
        else:
            raise Unexpected(ast.dump(node))

    def known(self, name):
        if name not in self.variables:
            raise Unexpected("variable " + name)

    def any(self, nodes):
        return any([self.read(node) for node in nodes])  # a list: every node is read

    def operation(self, name, is_value):
        if is_value:
            self.ops.append(name)
        return is_value

    def read(self, node):
        """Whether the expression needs a tensor; its operations are appended, operands first."""
        method = getattr(self, "read_" + type(node).__name__, None)
        if method is None:
            raise Unexpected(ast.dump(node))
        return method(node)

    def read_Constant(self, node):
        if is_cuda(node):
            self.device_nodes.append(node)
        return False

    def read_Name(self, node):
        if node.id in self.variables:
            return True
        if node.id not in ("Ellipsis", "inf", "nan"):
            raise Unexpected("name " + node.id)
        return False

    def read_UnaryOp(self, node):
        return self.operation(OPERATORS[type(node.op)], self.read(node.operand))

    def read_BinOp(self, node):
        return self.operation(OPERATORS[type(node.op)], self.any([node.left, node.right]))

    def read_Compare(self, node):
        if len(node.ops) != 1:
            raise Unexpected("a chain of comparisons")
        return self.operation(OPERATORS[type(node.ops[0])], self.any([node.left, node.comparators[0]]))

    def read_Tuple(self, node):
        return self.any(node.elts)

    read_List = read_Tuple

    def read_Slice(self, node):
        return self.any([part for part in (node.lower, node.upper, node.step) if part is not None])

    def read_Subscript(self, node):
        return self.operation("getitem", self.any([node.value, node.slice]))

    def read_Attribute(self, node):
        if path_of(node):
            return False
        if not self.read(node.value):
            raise Unexpected("attribute of a constant")
        return self.operation("getattr", True)

    def read_Call(self, node):
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(keyword.arg is None for keyword in node.keywords):
            raise Unexpected("**")
        path = node.func.id if isinstance(node.func, ast.Name) else path_of(node.func)
        if path in ("device", "torch.device"):
            return self.read_device(node, arguments)
        if path == "slice" or path == "torch.Size":
            return self.any(arguments)
        if path is not None:
            if not path.startswith("torch."):
                raise Unexpected("call of " + path)
            self.any(arguments)
            return self.operation(path.rsplit(".")[-1], True)
        if not isinstance(node.func, ast.Attribute) or not self.read(node.func.value):
            raise Unexpected("call of an expression")
        self.any(arguments)
        return self.operation("Tensor." + node.func.attr, True)

    def read_device(self, node, arguments):
        before = len(self.device_nodes)
        if self.any(arguments):
            raise Unexpected("device() of a value")
        if len(self.device_nodes) > before:
            self.device_nodes[before:] = [node]
        return False

    def literals(self):
        def at(line, column):
            return self.line_starts[line - 1] + column
        return [[at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)] for node in self.device_nodes]

    def mapped(self, device):
        """ast.dump of the file with every literal on `device`."""
        kind, _, index = device.partition(":")
        keywords = [ast.keyword("type", ast.Constant(kind))]
        if index:
            keywords.append(ast.keyword("index", ast.Constant(int(index))))
        wanted = {id(node) for node in self.device_nodes}

        class Mapper(ast.NodeTransformer):
            def visit_Call(self, node):
                if id(node) in wanted:
                    return ast.Call(node.func, [], keywords)
                return self.generic_visit(node)

            def visit_Constant(self, node):
                return ast.Constant(device) if id(node) in wanted else node

        return ast.dump(Mapper().visit(self.tree))


def number_text(value):
    """As passbench_dump writes numbers."""
    if isinstance(value, float):
        bits, = struct.unpack("<Q", struct.pack("<d", value))
        return "f" + ("nan" if value != value else f"{bits:016x}")
    return f"i{int(value)}"


def literal(node):
    """None, a number, a text or a list of numbers."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (type(None), bool, int, float, str)):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = literal(node.operand)
        if isinstance(value, (int, float)):
            return -value if isinstance(node.op, ast.USub) else +value
    if isinstance(node, ast.Name) and node.id in ("inf", "nan"):
        return float(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float" and \
            not node.keywords and [type(literal(argument)) for argument in node.args] == [str]:
        return float(literal(node.args[0]))
    if isinstance(node, ast.List):
        return [literal(element) for element in node.elts]
    raise Unexpected(ast.dump(node))


def weight_meta(source):
    """The tensors of a weight_meta.py, as passbench_dump writes them."""
    tensors = []
    for node in parse(source).body:
        if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
            raise Unexpected(ast.dump(node))
        values = {}
        for line in node.body:
            if not isinstance(line, ast.Assign) or len(line.targets) != 1 or not isinstance(line.targets[0], ast.Name):
                raise Unexpected(ast.dump(line))
            values[line.targets[0].id] = literal(line.value)
        if {"inf", "nan", "float", "True"} & (values.keys() | {node.name}):
            raise Unexpected("a value's name is taken")
        tensors.append(tensor(node, values))
    return tensors


def tensor(node, values):
    dtype = values["dtype"].removeprefix("torch.")

    def as_float(key):
        value = values.get(key)
        return None if value is None else number_text(float(value))

    def as_it_is(key):
        value = values.get(key)
        return None if value is None else number_text(value)

    data = values.get("data")
    return {"class": node.name, "name": values["name"], "shape": [int(size) for size in values["shape"]],
            "dtype": ALIASES.get(dtype, dtype), "device": values.get("device", ""), "mean": as_float("mean"),
            "std": as_float("std"), "data": None if data is None else [number_text(number) for number in data],
            "min_val": as_it_is("min_val"), "max_val": as_it_is("max_val"), "line": node.lineno}
