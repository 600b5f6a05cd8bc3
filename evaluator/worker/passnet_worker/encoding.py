"""Values of graph arguments as JSON and back: what the throw-away trace child hands to the trusted matcher, and what a
rewrite plan carries. Decoding builds plain values only (literals, dtypes, devices, slices); it never imports, never
calls anything by name, and bounds depth and size: the bytes come from a process that ran candidate code.

Threads: pure functions.
Errors: Unencodable (a value that no pattern needs), Malformed (bytes that encode() never made).
"""

from typing import Any, Callable

import torch

MAX_DEPTH = 16
MAX_ITEMS = 4096
MAX_STRING = 4096
MAX_NODES = 10_000
# JSON readers between the processes keep integers below this exactly.
EXACT_INTEGER = 1 << 53

_NAMED_TYPES = {"dtype": torch.dtype, "layout": torch.layout, "memory_format": torch.memory_format}


class Unencodable(Exception):
    """The value has no place in a pattern or a plan; the text names its type."""


class Malformed(Exception):
    """The encoded form is not one that encode() makes."""


def encode(value: Any, leaf: Callable[[Any], dict | None] = lambda value: None, depth: int = 0) -> Any:
    """`leaf` encodes what is no literal (graph nodes, placeholders), or returns None."""
    if depth > MAX_DEPTH:
        raise Unencodable(f"nested deeper than {MAX_DEPTH}")
    special = leaf(value)
    if special is not None:
        return special
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return _bounded(value, MAX_STRING, "a string")
    if kind is int:
        return value if abs(value) < EXACT_INTEGER else {"int": _bounded(str(value), 64, "an integer")}
    if kind is float:
        return {"float": repr(value)}
    if kind is complex:
        return {"complex": [repr(value.real), repr(value.imag)]}
    if value is Ellipsis:
        return {"ellipsis": True}
    for tag, named in _NAMED_TYPES.items():
        if kind is named:
            return {tag: str(value).removeprefix("torch.")}
    if kind is torch.device:
        return {"device": str(value)}
    if kind is slice:
        return {"slice": [encode(part, leaf, depth + 1) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, tuple):  # torch.Size included
        return {"tuple": _encode_items(value, leaf, depth)}
    if isinstance(value, list):  # fx's immutable_list included
        return {"list": _encode_items(value, leaf, depth)}
    if isinstance(value, dict):
        _bounded(value, MAX_ITEMS, "a dict")
        return {"dict": [[encode(key, leaf, depth + 1), encode(item, leaf, depth + 1)] for key, item in value.items()]}
    raise Unencodable(f"a value of type {type(value).__name__}")


def encode_argument(value: Any, leaf: Callable[[Any], dict | None]) -> dict:
    """One argument of a replacement: {"node"| "placeholder": …}, {"const": …}, or {"tuple"|"list": [arguments]}."""
    special = leaf(value)
    if special is not None:
        return special
    if isinstance(value, (tuple, list)) and any(_holds_leaf(item, leaf, 0) for item in value):
        items = [encode_argument(item, leaf) for item in _bounded(value, MAX_ITEMS, "a sequence")]
        return {"tuple" if isinstance(value, tuple) else "list": items}
    return {"const": encode(value)}


def _holds_leaf(value: Any, leaf: Callable[[Any], dict | None], depth: int) -> bool:
    if leaf(value) is not None:
        return True
    if not isinstance(value, (tuple, list)):
        return False
    if depth > MAX_DEPTH:
        raise Unencodable(f"nested deeper than {MAX_DEPTH}")
    return any(_holds_leaf(item, leaf, depth + 1) for item in value)


def _encode_items(items: tuple | list, leaf: Callable[[Any], dict | None], depth: int) -> list:
    return [encode(item, leaf, depth + 1) for item in _bounded(items, MAX_ITEMS, "a sequence")]


def _bounded(value: Any, limit: int, what: str) -> Any:
    if len(value) > limit:
        raise Unencodable(f"{what} of {len(value)} elements, limit {limit}")
    return value


def decode(data: Any, leaf: Callable[[str, Any], Any] | None = None, depth: int = 0) -> Any:
    """`leaf(tag, payload)` gives the value of a tag that is no literal's, such as "node"."""
    if depth > MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH}")
    if data is None or isinstance(data, (bool, int, str)):
        return data
    if not isinstance(data, dict) or len(data) != 1:
        raise Malformed(f"an encoded value is a literal or an object with one tag, got {str(data)[:80]}")
    (tag, payload), = data.items()
    try:
        return _decode_tagged(tag, payload, leaf, depth)
    except (TypeError, ValueError, AttributeError, KeyError, RuntimeError) as error:
        raise Malformed(f"{tag}: {error}") from None


def decode_argument(data: Any, leaf: Callable[[str, Any], Any], depth: int = 0) -> Any:
    """The reverse of encode_argument()."""
    if depth > MAX_DEPTH or not isinstance(data, dict) or len(data) != 1:
        raise Malformed(f"an argument is an object with one tag, got {str(data)[:80]}")
    (tag, payload), = data.items()
    if tag == "const":
        return decode(payload)
    if tag in ("tuple", "list"):
        if not isinstance(payload, list) or len(payload) > MAX_ITEMS:
            raise Malformed(f"{tag} is no list of at most {MAX_ITEMS} items")
        items = [decode_argument(item, leaf, depth + 1) for item in payload]
        return tuple(items) if tag == "tuple" else items
    return leaf(tag, payload)


def _decode_tagged(tag: str, payload: Any, leaf: Callable[[str, Any], Any] | None, depth: int) -> Any:
    if tag == "int":
        return int(payload[:64])
    if tag == "float":
        return float(payload)
    if tag == "complex":
        return complex(float(payload[0]), float(payload[1]))
    if tag == "ellipsis":
        return Ellipsis
    if tag in _NAMED_TYPES:
        return _named_value(tag, payload)
    if tag == "device":
        return torch.device(payload)
    if tag in ("slice", "tuple", "list", "dict"):
        return _decode_container(tag, payload, leaf, depth)
    if leaf is None:
        raise Malformed(f"unknown tag {tag[:40]!r}")
    return leaf(tag, payload)


def _decode_container(tag: str, payload: Any, leaf: Callable[[str, Any], Any] | None, depth: int) -> Any:
    if not isinstance(payload, list) or len(payload) > MAX_ITEMS:
        raise Malformed(f"{tag} is no list of at most {MAX_ITEMS} items")
    if tag == "dict":
        return {decode(key, leaf, depth + 1): decode(item, leaf, depth + 1) for key, item in payload}
    items = [decode(item, leaf, depth + 1) for item in payload]
    if tag == "slice":
        start, stop, step = items
        return slice(start, stop, step)
    return tuple(items) if tag == "tuple" else items


def _named_value(tag: str, name: str) -> Any:
    value = getattr(torch, name, None) if isinstance(name, str) else None
    if type(value) is not _NAMED_TYPES[tag]:
        raise Malformed(f"{tag} {str(name)[:40]!r} does not exist")
    return value


def qualified_name(target: Any) -> str:
    """The name of a call_function's target: how a pattern's targets are looked up in the trusted graph. Raises
    Unencodable for what has no name (a lambda, a partial)."""
    name = getattr(target, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise Unencodable(f"a function without a name ({type(target).__name__})")
    try:
        return _bounded(torch.fx.node._get_qualified_name(target), MAX_STRING, "a name")
    except (RuntimeError, AttributeError, TypeError) as error:
        raise Unencodable(f"function {name}: {error}") from None
