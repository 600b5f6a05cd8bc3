"""Comments and code of a source file, told apart well enough for house rules: no preprocessor, no macros expanded."""

import io
import re
import tokenize

CPP_PART = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<number>\b\d[\w.']*)
      | (?P<char>'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL)


def cpp_code(text):
    """C++ with comments blanked out and literals emptied; every character keeps its line and column."""

    def blank(match):
        part = match.group()
        if match.group("number") is not None:
            return part  # matched so that the quote in 1'000 opens nothing
        if match.group("line") is not None or match.group("block") is not None:
            return re.sub(r"[^\n]", " ", part)
        inside = re.sub(r"[^\n]", " ", part[1:-1])
        return part[0] + inside + part[-1] if match.group("raw") is None else '"' + inside + '"'

    return CPP_PART.sub(blank, text)


def without_comments(text):
    """C++ with comments blanked out and literals as they are."""

    def blank(match):
        comment = match.group("line") is not None or match.group("block") is not None
        return re.sub(r"[^\n]", " ", match.group()) if comment else match.group()

    return CPP_PART.sub(blank, text)


def comment_blocks(path, text):
    """(first line, text) of each run of comment lines, without the marks; a sentence may go over several lines."""
    if path.endswith(".py"):
        return _python_comments(text)
    if path.endswith((".h", ".cc", ".cu")):
        return _joined(_cpp_comments(text))
    return _joined(_hash_comments(text))


def _cpp_comments(text):
    for match in CPP_PART.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match.group("line") is not None:
            yield line, match.group()[2:]
        elif match.group("block") is not None:
            for offset, part in enumerate(match.group()[2:-2].split("\n")):
                yield line + offset, part.strip().removeprefix("*")


def _hash_comments(text):
    for number, line in enumerate(text.split("\n"), 1):
        found = re.search(r"(?:^|\s)#(.*)$", line)
        if found:
            yield number, found.group(1)


def _python_comments(text):
    """Comments, and strings that stand alone: what Python takes for documentation."""
    comments, documentation, previous, depth = [], [], tokenize.NEWLINE, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                comments.append((token.start[0], token.string.lstrip("#")))
            elif token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            elif token.type == tokenize.STRING and depth == 0 and previous in (tokenize.NEWLINE, tokenize.INDENT):
                documentation.append((token.start[0], token.string))
            if token.type not in (tokenize.COMMENT, tokenize.NL):
                previous = token.type
    except (tokenize.TokenError, IndentationError):
        pass  # not Python after all: what was read so far counts
    return _joined(comments) + documentation


def _joined(lines):
    blocks = []
    for number, text in lines:
        if blocks and number == blocks[-1][0] + blocks[-1][1].count("\n") + 1:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] + "\n" + text)
        else:
            blocks.append((number, text))
    return blocks


def without_fences(text):
    """A Markdown text whose fenced code is blank lines."""
    kept, fenced = [], False
    for line in text.split("\n"):
        mark = line.lstrip().startswith("```")
        kept.append("" if mark or fenced else line)
        fenced ^= mark
    return "\n".join(kept)
