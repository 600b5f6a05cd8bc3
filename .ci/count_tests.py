"""Counts what ctest wrote with --output-junit: every failure and skip with its reason, then the total line.

`python .ci/count_tests.py RESULTS.xml…`; several files are summed. Exit 1 when a test failed, when a file is missing
(its tests did not run: one failure) or when nothing ran at all.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REASON_LINES = 3  # chosen: a GTEST_SKIP message is one line; a little context for those that wrap


def skip_reason(output):
    """The message of GTEST_SKIP (printed between 'Skipped' and '[  SKIPPED ]') or of unittest's skip."""
    found = re.search(r"Skipped\n(.*?)\n\[  SKIPPED \]", output, re.DOTALL)
    found = found or re.search(r"skipped '?(.+?)'?$", output, re.MULTILINE)
    if not found:
        return None
    lines = [line.strip() for line in found.group(1).splitlines() if line.strip()]
    return " ".join(lines[:REASON_LINES])


def outcome(case):
    """'passed', 'failed' or 'skipped', and why."""
    output = case.findtext("system-out") or ""
    if case.find("failure") is not None:
        return "failed", case.find("failure").get("message") or "see the output above"
    skipped = case.find("skipped")
    if skipped is None and case.get("status") == "run":
        return "passed", ""
    if case.get("status") == "disabled":
        return "skipped", "disabled in the source"
    # ctest calls a test skipped as soon as its output holds the marker, even when it failed or crashed afterwards.
    if "[  FAILED  ]" in output or ("[==========]" in output and " ran. (" not in output):
        return "failed", "it printed the skip marker, but failed or did not end"
    message = skipped.get("message", "") if skipped is not None else case.get("status", "")
    reason = skip_reason(output)
    if reason is None and "SKIP" not in message:
        return "failed", f"did not run: {message or 'no reason given'}"
    return "skipped", reason or message


def count(paths):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    notes = []
    for path in paths:
        if not Path(path).is_file():
            totals["failed"] += 1
            notes.append(("failed", path, "no results: its tests did not run"))
            continue
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            result, why = outcome(case)
            totals[result] += 1
            if result != "passed":
                notes.append((result, case.get("name"), why))
    return totals, notes


def main(paths):
    totals, notes = count(paths)
    for result in ("skipped", "failed"):
        for _, name, why in (note for note in notes if note[0] == result):
            print(f"{result}: {name}: {why}")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped", flush=True)
    return 1 if totals["failed"] or not sum(totals.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
