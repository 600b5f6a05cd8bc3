"""What a compiler does not say about C++ of ours: forms that GCC 12 compiles wrongly, functions that grew too long."""

import re

import source_text

MAX_BODY_LINES = 60
OPENING, CLOSING = "([{", ")]}"
TOO_LONG = re.compile(r"^(?:tests|bench)/")  # cases and measured runs are lists, not logic
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
SCOPE = re.compile(r"\b(?:namespace|class|struct|union|enum|concept)\b")
CAPTURES = re.compile(r"\[(?P<captures>[^\][]*)\]\s*(?:\([^()]*\)\s*)?(?:mutable\s*)?(?:->[^{]*)?$")
# Trivially destroyed whatever they refer to, so that a second destruction does nothing.
HARMLESS_CAPTURE = re.compile(r"\s*(?:this|&\s*\w*)\s*")


def awaited_temporaries(tree):
    """No aggregate, lambda or conditional is built inside an awaited expression.

    GCC 12.2 destroys three kinds of temporaries of a co_await expression twice (found by counting): aggregates made by
    braces, closures that own something, and what ?: makes. Arguments by name, calls, conversions and sums are fine.
    """
    for path in tree.sources(".h", ".cc"):
        text = source_text.cpp_code(tree.text(path))
        for match in re.finditer(r"\bco_await\b", text):
            found = _dangerous(text, match.end())
            if found is not None:
                line = text.count("\n", 0, found[0]) + 1
                yield f"{path}:{line}: {found[1]} in an awaited expression: GCC 12 destroys it twice, so name it first"


def _dangerous(text, start):
    """(position, what) of the first temporary of the operand that GCC 12 mistreats, or None."""
    depth, position = 0, start - 1
    while (position := position + 1) < len(text):
        char = text[position]
        if char == "?":
            return position, "a conditional"
        if char == "{":
            closure = CAPTURES.search(text, start, position)
            if closure is None:
                return position, "braces"
            if any(not HARMLESS_CAPTURE.fullmatch(one) for one in closure.group("captures").split(",") if one.strip()):
                return closure.start(), "a lambda with captures"
            position = _closing(text, position) - 1  # what stands in the body is judged by its own co_await
        elif char in OPENING:
            depth += 1
        elif char in CLOSING:
            depth -= 1
        if depth < 0 or (depth == 0 and char in ";,"):
            return None
    return None


def short_functions(tree):
    """No function of the product has a body of more than 60 lines."""
    for path in tree.sources(".h", ".cc"):
        if TOO_LONG.match(path):
            continue
        for line, name, length in _functions(source_text.cpp_code(tree.text(path))):
            if length > MAX_BODY_LINES:
                yield f"{path}:{line}: {name} has {length} lines, at most {MAX_BODY_LINES}: make parts with names of it"


def _functions(code):
    """(line, name, lines from the opening to the closing brace) of each function; lambdas count to what holds them."""
    code = DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), code)
    position, head = 0, 0  # head: where the declaration began that the next brace belongs to
    while (found := re.compile(r"[;{}]").search(code, position)) is not None:
        position = found.end()
        if found.group() == ";" and _open_brackets(code[head:found.start()]):
            continue  # inside for (;;) of a macro's argument
        if found.group() != "{":
            head = position
            continue
        declaration = code[head:found.start()].strip()
        if _is_scope(declaration):
            head = position
            continue
        end = _closing(code, found.start())
        if not _is_function(declaration):
            position = end  # an initialiser: the declaration goes on behind it
            continue
        first = code.count("\n", 0, found.start())
        yield first + 1, _name(declaration), code.count("\n", 0, end) - first + 1
        position = head = end


def _open_brackets(text):
    return text.count("(") > text.count(")")


def _is_scope(declaration):
    if declaration.endswith('"') and "extern" in declaration:
        return True
    plain = re.sub(r"\[\[.*?\]\]|alignas\([^)]*\)|template\s*<[^{;]*?>\s*(?=class|struct|union)", " ", declaration)
    return bool(SCOPE.search(plain)) and "(" not in plain


def _is_function(declaration):
    """A parameter list, perhaps with what may follow one; `a_{1}` of an initialiser list is none."""
    if "(" not in declaration or _open_brackets(declaration) or re.search(r"(?<![=!<>])=$", declaration):
        return False
    tail = re.sub(r"\b(?:const|noexcept|override|final|mutable|volatile|try|requires)\b|&|->[^()]*$", " ", declaration)
    return tail.rstrip().endswith(")") or re.search(r"\)\s*->[^;{]*$", declaration) is not None


def _closing(code, opening):
    depth = 0
    for position in range(opening, len(code)):
        depth += (code[position] == "{") - (code[position] == "}")
        if depth == 0:
            return position + 1
    return len(code)


def _name(declaration):
    found = re.search(r"([\w:~]+|operator\s*\S+?)\s*\(", declaration)
    return found.group(1) if found else "a function"
