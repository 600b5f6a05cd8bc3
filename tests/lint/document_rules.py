"""What sources and documents name is there: documents, their sections, formats."""

import os
import re

import source_text

CODE = (".h", ".cc", ".cu", ".py", ".cmake")
SCRIPTS = {"dev", ".ci/run"}
CONFIGURATION = ("CMakeLists.txt", ".toml")
DOCUMENT = re.compile(r"(?:README|docs/[^/]+)\.md")
# A document's name, then what of it is meant: ", section 3", ", sections 3 and 4", ", layer 7", ', "Title"', "#anchor".
CITATION = re.compile(
    r"""(?<![\w/."'*<-])(?P<name>(?:[\w-]+/)*\w[\w-]*\.md)\b`?
        (?:\#(?P<anchor>[\w-]+)
          | ,?\s+(?P<kind>section|layer)s?\s+(?P<numbers>\d+(?:(?:\s*,\s*|\s+and\s+|\s+to\s+)\d+)*)
          | ,?\s+"(?P<title>[^"]+)")?""", re.VERBOSE)
IN_STRING = re.compile(r"\bdocs/[\w-]+\.md\b")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.M)
SCHEMA = re.compile(r"\bpassnet\.[a-z_]+/[0-9]+\b")
# A whole literal, but for one that goes into a digest; and those that surely name an object's schema.
LITERAL = re.compile(r'(?<!UpdateField\()"(passnet\.[a-z_]+/[0-9]+)"')
WRITTEN = re.compile(r'(?:"schema"\s*(?:,|\]\s*=)\s*|[Ss]chema\((?:\w+,\s*)?)"(passnet\.[a-z_]+/[0-9]+)"')
CONTRACTS = "docs/contracts.md"
ROUTE = re.compile(r'\{\s*"(GET|POST|PUT|PATCH|DELETE)",\s*"(/[^"]*)"')
LISTED_ROUTE = re.compile(r"^\| `([A-Z]+) (/[^`?]*)")


def documents_resolve(tree):
    """Every document that a comment or a document names exists, and so does the section that it is cited for."""
    for path in tree.files:
        for line, name, citation in _citations(tree, path):
            target = _target(tree, path, name)
            if target is None:
                yield f"{path}:{line}: there is no document {name}"
                continue
            missing = _missing_section(tree.text(target), citation) if citation is not None else None
            if missing is not None:
                yield f"{path}:{line}: {target} has no {missing}"


def _citations(tree, path):
    """(line, document's name, match or None) of everything that a file says about documents."""
    if DOCUMENT.fullmatch(path) or (path.endswith(".md") and tree.is_prose(path)):
        blocks = [(1, source_text.without_fences(tree.text(path)))]
    elif (path.endswith(CODE) and tree.is_source(path)) or path in SCRIPTS or path.endswith(CONFIGURATION):
        blocks = source_text.comment_blocks(path, tree.text(path))
    else:
        return
    cited = set()
    for first, text in blocks:
        for match in CITATION.finditer(text):
            line = first + text.count("\n", 0, match.start())
            cited.add((line, match.group("name")))
            yield line, match.group("name"), match
    # Messages name documents as well; only the names are looked at. The rules' own tests plant such names.
    for number, line in tree.lines(path) if not path.startswith("tests/lint/") else []:
        for name in IN_STRING.findall(line):
            if (number, name) not in cited:
                yield number, name, None


def _target(tree, path, name):
    for known in (name, f"docs/{name}", os.path.normpath(os.path.join(os.path.dirname(path), name))):
        if known in tree.files:
            return known
    return None


def _headings(text):
    return [heading.replace("`", "") for heading in HEADING.findall(source_text.without_fences(text))]


def _missing_section(text, citation):
    headings = _headings(text)
    if citation.group("anchor") is not None:
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        return None if citation.group("anchor") in slugs else f"heading #{citation.group('anchor')}"
    if citation.group("title") is not None:
        title = re.sub(r"\s+", " ", citation.group("title")).rstrip(".,;:")
        bare = {re.sub(r"^\d+\.\s+", "", heading) for heading in headings}
        terms = {term.rstrip(".:") for term in re.findall(r"\*\*(.+?)\*\*", text)}  # a list explains its bold terms
        return None if title in bare | set(headings) | terms else f'section "{title}"'
    for number in re.findall(r"\d+", citation.group("numbers") or ""):
        if citation.group("kind") == "section" and not any(h.startswith(f"{number}. ") for h in headings):
            return f"section {number}"
        if citation.group("kind") == "layer" and not re.search(rf"\*\*Layer {number}\b", text):
            return f"layer {number}"
    return None


def schemas_are_contracts(tree):
    """The names passnet.<thing>/<n> that product code uses are those that docs/contracts.md explains."""
    explained = set(SCHEMA.findall(tree.text(CONTRACTS))) if CONTRACTS in tree.files else set()
    used = set()
    for path in tree.files:
        product = path.endswith(CODE) and tree.is_source(path) and not path.startswith("tests/")
        if not product and not DOCUMENT.fullmatch(path):
            continue
        for number, line in tree.lines(path):
            for name in SCHEMA.findall(line):
                if product:
                    used.add(name)
                if name not in explained:
                    yield f"{path}:{number}: {CONTRACTS} does not explain {name}"
    for number, line in tree.lines(CONTRACTS) if explained else []:
        for name in SCHEMA.findall(line):
            if name not in used:
                yield f"{CONTRACTS}:{number}: no code uses {name}"


def schemas_are_written_once(tree):
    """One place of the product gives objects a schema's name: two places would be two shapes sooner or later."""
    places = {}
    for path in tree.sources(".h", ".cc"):
        if path.startswith("tests/"):
            continue
        text = source_text.without_comments(tree.text(path))
        found = list(WRITTEN.finditer(text))
        # A file may also say the name in messages; where it only says it, it may hand it on to what writes it.
        known = {match.group(1) for match in found}
        for match in LITERAL.finditer(text):
            if match.group(1) not in known:
                known.add(match.group(1))
                found.append(match)
        for match in found:
            line = text.count("\n", 0, match.start()) + 1
            places.setdefault(match.group(1), []).append(f"{path}:{line}")
    for name, where in sorted(places.items()):
        for place in where[1:]:
            yield f"{place}: {name} is written at {where[0]} already: one name, one shape, one place"


def routes_are_contracts(tree):
    """The daemon answers the routes that docs/contracts.md lists, and no others."""
    listed = {}
    for number, line in tree.lines(CONTRACTS) if CONTRACTS in tree.files else []:
        for method, route in LISTED_ROUTE.findall(line):
            listed[f"{method} {route}"] = number
    answered = set()
    for path in tree.files:
        if not path.startswith("daemon/") or not path.endswith(".cc"):
            continue
        for match in ROUTE.finditer(tree.text(path)):
            name = f"{match.group(1)} {match.group(2)}"
            answered.add(name)
            if name not in listed:
                line = tree.text(path).count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: {CONTRACTS} does not list {name}"
    for name, number in listed.items():
        if name not in answered:
            yield f"{CONTRACTS}:{number}: the daemon does not answer {name}"
