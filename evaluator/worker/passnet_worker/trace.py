"""Runs a candidate's `pattern` and `replacement_args` and ships what they did as data. Candidate code executes here:
the process is jailed, serves one candidate and is thrown away; its answer is decoded as hostile bytes (match.py).

The pattern is traced as upstream does: torch.fx's tracer, calls written with all arguments positional and defaults
filled in where a signature binds. replacement_args gets inert placeholders: it may reorder its arguments and add
constants, and any operation on one is the finding H12 (work placed outside the wrapper).

Threads: single-threaded, one candidate a process.
Errors: none raised; trace_candidate() reports every mistake of a candidate in "errors", each with the pass's name, a
rule id where it is an integrity finding ("static": true) and a line of the pass file where one is known.
"""

import importlib
import inspect
import json
import os
import re
import sys
import traceback
import types
from typing import Any, Callable

import torch
import torch.fx

from . import encoding
from . import tracer as tracing

RULE_LIST = "sorted_output_pass_rule_names.json"
PATTERN_LIMIT = 100  # upstream's output_pass_pattern_limit
MAX_RULE_LIST_BYTES = 1 << 20
MAX_ARGUMENTS = 256
MAX_TEXT = 2048
NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
OPERATIONS_RULE = "H12.replacement-args"


class Rejected(Exception):
    """A pass that cannot be used. `rule` names an integrity rule, or is None for an ordinary mistake."""

    def __init__(self, what: str, rule: str | None = None, line: int | None = None):
        super().__init__(what)
        self.rule = rule
        self.line = line


def trace_candidate(pass_dir: str) -> dict:
    """{"passes", "errors", "uses_triton"} and, when the pass needs triton and this machine has none,
    {"unsupported_lane": "triton"} beside them. Passes come in the order of the list, rejected ones left out."""
    result: dict[str, Any] = {"passes": [], "errors": [], "uses_triton": False}
    try:
        names = read_rule_names(pass_dir)
    except Rejected as error:
        result["errors"].append(_error("", error))
        return result
    sys.path.insert(0, os.path.dirname(os.path.abspath(pass_dir)))
    shared: list[Callable] = []
    for name in names:
        try:
            result["passes"].append(trace_pass(name, shared))
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] == "triton":
                result["unsupported_lane"] = "triton"
            result["errors"].append(_failure(name, pass_dir, error))
        except Rejected as error:
            result["errors"].append(_error(name, error))
        except BaseException as error:  # candidate code may raise anything, SystemExit included
            result["errors"].append(_failure(name, pass_dir, error))
    result["uses_triton"] = "unsupported_lane" in result or holds_triton()
    return result


def holds_triton() -> bool:
    """Whether a module of the candidate holds something of triton's. (sys.modules does not tell: torch imports triton
    by itself where it is installed.)"""
    modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "pass_dir"]
    return any(_is_tritons(value) for module in modules for value in list(vars(module).values()))


def _is_tritons(value: Any) -> bool:
    name = value.__name__ if type(value) is types.ModuleType else getattr(type(value), "__module__", "")
    return isinstance(name, str) and name.split(".")[0] == "triton"


def read_rule_names(pass_dir: str) -> list[str]:
    path = os.path.join(pass_dir, RULE_LIST)
    if os.path.basename(os.path.abspath(pass_dir)) != "pass_dir":
        raise Rejected("the folder of a candidate's files must be called pass_dir")
    try:
        with open(path, "rb") as file:
            names = json.loads(file.read(MAX_RULE_LIST_BYTES))
    except FileNotFoundError:
        raise Rejected(f"{RULE_LIST} is missing: it lists the pass files' names without .py, in order") from None
    except (ValueError, RecursionError) as error:
        raise Rejected(f"{RULE_LIST} is no JSON: {error}") from None
    if not isinstance(names, list) or not all(isinstance(name, str) and NAME.fullmatch(name) for name in names):
        raise Rejected(f"{RULE_LIST} is no array of file names without .py")
    if not names:
        raise Rejected(f"{RULE_LIST} names no pass")
    if len(names) > PATTERN_LIMIT:
        raise Rejected(f"{RULE_LIST} names {len(names)} passes, limit {PATTERN_LIMIT}")
    if len(set(names)) != len(names):
        raise Rejected(f"{RULE_LIST} names a pass twice")
    return names


def trace_pass(name: str, shared: list[Callable]) -> dict:
    """`shared` holds the replacement function of the first good pass: the others must return the same object."""
    module = importlib.import_module(f"pass_dir.{name}")
    functions = [_function(module, which) for which in ("pattern", "replacement_args", "replacement_func")]
    pattern, replacement_args, replacement_func = functions
    _check_replacement_func(replacement_func, shared)
    traced = trace_pattern(pattern)
    traced["name"] = name
    traced["replacement_args"] = trace_arguments(replacement_args, len(traced["placeholders"]))
    return traced


def _function(module: Any, name: str) -> Callable:
    function = getattr(module, name, None)
    if not callable(function):
        raise Rejected(f"{name} is missing: a pass file defines pattern, replacement_args and replacement_func")
    return function


def _check_replacement_func(replacement_func: Callable, shared: list[Callable]) -> None:
    first, second = replacement_func(), replacement_func()
    if not callable(first):
        raise Rejected("replacement_func() returns no function")
    if first is not second:
        raise Rejected("replacement_func() returns another object each time: return one module-level function")
    if shared and shared[0] is not first:
        # Upstream keeps one replacement function drawn at random; which passes count must not depend on luck here.
        raise Rejected("replacement_func() differs from the first pass's: all passes share one function "
                       "(tell them apart by a constant in replacement_args)")
    if not shared:
        shared.append(first)


def trace_pattern(pattern: Callable) -> dict:
    graph = tracing.PatternTracer().trace(pattern)
    if len(graph.nodes) > encoding.MAX_NODES:
        raise Rejected(f"the pattern has {len(graph.nodes)} nodes, limit {encoding.MAX_NODES}")
    placeholders, nodes, output = [], [], None
    for node in graph.nodes:
        if node.op == "placeholder":
            _check_placeholder(node)
            placeholders.append(node.name)
        elif node.op == "output":
            output = _encoded(node.args[0])
        else:
            nodes.append(_node(node))
    return {"placeholders": placeholders, "nodes": nodes, "output": output}


def _check_placeholder(node: torch.fx.Node) -> None:
    if str(node.target).startswith("*"):
        raise Rejected("pattern takes *args: name its arguments, one a tensor")


def _node(node: torch.fx.Node) -> dict:
    target = encoding.qualified_name(node.target) if node.op == "call_function" else str(node.target)
    kwargs = {str(key): _encoded(value) for key, value in node.kwargs.items()}
    return {"name": node.name, "op": node.op, "target": target[:MAX_TEXT],
            "args": [_encoded(value) for value in node.args], "kwargs": kwargs}


def _encoded(value: Any) -> Any:
    return encoding.encode(value, lambda item: {"node": item.name} if isinstance(item, torch.fx.Node) else None)


# Everything that Python or torch may ask of an object when code computes with it.
_OPERATIONS = """
    add radd iadd sub rsub isub mul rmul imul matmul rmatmul imatmul truediv rtruediv itruediv floordiv rfloordiv
    ifloordiv mod rmod imod divmod rdivmod pow rpow ipow lshift rlshift ilshift rshift rrshift irshift and rand iand
    or ror ior xor rxor ixor neg pos abs invert lt le gt ge eq ne bool int float complex index len iter next reversed
    contains getitem setitem delitem call enter exit round trunc floor ceil str repr format bytes array setattr delattr
""".split()


class Placeholder:
    """An argument of replacement_args: it has no value, no attribute and no operation."""

    __slots__ = ("_position", "_findings")

    def __init__(self, position: int, findings: list[str]):
        object.__setattr__(self, "_position", position)
        object.__setattr__(self, "_findings", findings)

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__torch_function__"):  # isinstance(x, …) computes nothing; torch's calls report
            return object.__getattribute__(self, name)
        _refuse(self, f"reads .{str(name)[:100]} of")

    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        found = next((item for item in [*args, *(kwargs or {}).values()] if type(item) is cls), None)
        what = f"calls {getattr(function, '__name__', 'a torch function')} on"
        if found is None:
            raise Rejected(f"replacement_args {what} its arguments", OPERATIONS_RULE)
        _refuse(found, what)

    __hash__ = object.__hash__


def _refuse(placeholder: Placeholder, what: str) -> Any:
    position = object.__getattribute__(placeholder, "_position")
    findings = object.__getattribute__(placeholder, "_findings")
    text = f"replacement_args {what} argument {position}: it may only reorder its arguments and add constants"
    findings.append(text)  # kept even if the candidate catches the exception
    raise Rejected(text, OPERATIONS_RULE)


def _refused_operation(name: str) -> Callable:
    def operation(self, *others):
        found = self if type(self) is Placeholder else next(item for item in others if type(item) is Placeholder)
        _refuse(found, f"computes ({name}) with")

    return operation


for _name in _OPERATIONS:
    setattr(Placeholder, f"__{_name}__", _refused_operation(_name))


def trace_arguments(replacement_args: Callable, count: int) -> list:
    findings: list[str] = []
    try:
        result = replacement_args(*[Placeholder(position, findings) for position in range(count)])
    except Rejected as error:
        findings.append(str(error))
    except BaseException:
        if not findings:
            raise
    if findings:
        raise Rejected(findings[0], OPERATIONS_RULE, _line_of(replacement_args))
    if not isinstance(result, (tuple, list)):
        raise Rejected("replacement_args must return a tuple of its arguments and constants")
    if len(result) > MAX_ARGUMENTS:
        raise Rejected(f"replacement_args returns {len(result)} values, limit {MAX_ARGUMENTS}")
    try:
        return [encoding.encode_argument(item, _placeholder_leaf) for item in result]
    except encoding.Unencodable as error:
        raise Rejected(f"replacement_args returns {error}: only its arguments and constants may be returned",
                       OPERATIONS_RULE, _line_of(replacement_args)) from None


def _placeholder_leaf(value: Any) -> dict | None:
    return {"placeholder": object.__getattribute__(value, "_position")} if type(value) is Placeholder else None


def _line_of(function: Callable) -> int | None:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return getattr(code, "co_firstlineno", None)


def _error(name: str, error: Rejected) -> dict:
    return {"pass": name, "what": str(error)[:MAX_TEXT], "line": error.line, "rule": error.rule,
            "static": error.rule is not None}


def _failure(name: str, pass_dir: str, error: BaseException) -> dict:
    """An exception out of candidate code: its type, its text and the deepest line of the candidate's own files."""
    try:
        what = f"{type(error).__name__}: {error}"[:MAX_TEXT]
    except BaseException:  # str() of a candidate's exception is candidate code too
        what = "an exception that cannot be printed"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__)
              if os.path.dirname(frame.filename) == os.path.abspath(pass_dir)]
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    if frames:
        what += f" ({os.path.basename(frames[-1].filename)}:{line})"
    return {"pass": name, "what": what, "line": line if isinstance(line, int) else None, "rule": None,
            "static": False}
