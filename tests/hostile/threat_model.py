"""The table of specimens in docs/threat_model.md, made from the heads of the specimens' main files.

`python tests/hostile/threat_model.py` writes it anew; threat_model_test.py holds the document to the files.

Threads: pure functions. Errors: ValueError for a head without what a table needs.
"""

import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECIMENS = ROOT / "tests/hostile"
DOCUMENT = ROOT / "docs/threat_model.md"
COLUMNS = ("specimen", "row", "tries", "ends as", "without the screen", "stopped by")


def head(folder: pathlib.Path) -> dict[str, str]:
    """The `# key: value` lines at the top of the first pass in the folder's rule list."""
    names = json.loads((folder / "sorted_output_pass_rule_names.json").read_text())
    found = {}
    for line in (folder / f"{names[0]}.py").read_text().split("\n"):
        match = re.fullmatch(r"# ([a-z ]+): (.*)", line)
        if match is None:
            break
        found[match.group(1)] = match.group(2)
    missing = {"row", "task", "tries", "expect"} - set(found)
    if missing:
        raise ValueError(f"{folder}: its head lacks {', '.join(sorted(missing))}")
    return found


def _order(item: tuple[str, dict[str, str]]) -> tuple:
    """T, S, M, H, R, G as the catalogue has them, then the attacks that have a name and no number."""
    name, found = item
    numbered = re.fullmatch(r"([TSMHRG])(\d+)", found["row"])
    if numbered is None:
        return 6, 0, found["row"], name
    return "TSMHRG".index(numbered.group(1)), int(numbered.group(2)), "", name


def specimens(kind: str) -> list[tuple[str, dict[str, str]]]:
    folders = [folder for folder in (SPECIMENS / kind).iterdir() if folder.is_dir()]
    return sorted(((folder.name, head(folder)) for folder in folders), key=_order)


def table(kind: str) -> str:
    """Markdown; a verdict that is OK means: without a gain over what the honest part earns."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for name, found in specimens(kind):
        verdicts = [found[key].replace(" | ", ", ") if key in found else "" for key in ("expect", "unscreened")]
        cells = [name, found["row"], found["tries"], *verdicts, found.get("stopped by", "")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def controls() -> str:
    return "".join(f"- `{name}`: {found['tries']}.\n" for name, found in specimens("honest"))


def document() -> str:
    """The document with its lists as they should be."""
    text = DOCUMENT.read_text()
    lists = {"specimens": table("specimens"), "specimens_gpu": table("specimens_gpu"), "controls": controls()}
    for mark, made in lists.items():
        begin, end = f"<!-- {mark} -->\n", f"<!-- end of {mark} -->\n"
        before, rest = text.split(begin)
        text = before + begin + made + end + rest.split(end)[1]
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(document())
