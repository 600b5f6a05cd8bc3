"""Counts what ctest wrote with --output-junit: every failure and skip with its reason, then the total line.

`python .ci/count_tests.py RESULTS.xml…`; several files are summed. Exit 1 when a test failed, when a file is missing
(its tests did not run: one failure) or when nothing ran at all.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

REASON_LINES = 3  # chosen: a GTEST_SKIP message is one line; a little context for those that wrap
EXCERPT_LINES, EXCERPT_COLUMNS = 25, 300  # of what failed: a log is often read from its end alone


def skip_reason(output):
    """The message of GTEST_SKIP (printed between 'Skipped' and '[  SKIPPED ]') or of unittest's skip."""
    found = re.search(r"Skipped\n(.*?)\n\[  SKIPPED \]", output, re.DOTALL)
    found = found or re.search(r"skipped '?(.+?)'?$", output, re.MULTILINE)
    if not found:
        return None
    lines = [line.strip() for line in found.group(1).splitlines() if line.strip()]
    return " ".join(lines[:REASON_LINES])


def unittest_outcomes(case):
    """Outcomes by the summary of a unittest file that ctest ran as one test, or None for any other test."""
    output = case.findtext("system-out") or ""
    ran = re.search(r"^Ran (\d+) tests? in ", output, re.MULTILINE)
    if not ran or "[==========]" in output:
        return None
    summary = output[ran.end():]
    number = {word: sum(int(count) for count in re.findall(rf"\b{word}=(\d+)", summary))
              for word in ("failures", "errors", "unexpected successes", "skipped")}
    failed = number["failures"] + number["errors"] + number["unexpected successes"]
    if case.find("failure") is not None:
        failed = max(failed, 1)
    name = case.get("name")
    reasons = re.findall(r"^(.*?) ?\.\.\. skipped ['\"](.+)['\"]$", output, re.MULTILINE)
    reasons += [("a case", "its reason was not printed on a line of its own")] * (number["skipped"] - len(reasons))
    outcomes = [("skipped", f"{name}: {test}", why) for test, why in reasons[:number["skipped"]]]
    outcomes += [("failed", name, "see the output above")] * failed
    return outcomes + [("passed", name, "")] * (int(ran.group(1)) - len(outcomes))


def gtest_outcomes(case):
    """Outcomes by the summary of a GoogleTest program that ctest ran as one test, or None for any other test."""
    output, name = case.findtext("system-out") or "", case.get("name")
    started = re.search(r"^\[==========\] Running (\d+) tests? from", output, re.MULTILINE)
    if not started or int(started.group(1)) < 2:
        return None
    expected = int(started.group(1))
    ended = re.search(r"^\[==========\] (\d+) tests? from .* ran\. \(", output, re.MULTILINE)
    passed = re.findall(r"^\[       OK \] (\S+)", output, re.MULTILINE)
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([\w/]+\.[\w/]+)", output, re.MULTILINE)))
    reasons = re.findall(r"Skipped\n(.*?)\n\[  SKIPPED \] (\S+) \(", output, re.DOTALL)
    reasons = {case_name: " ".join(why.split()) for why, case_name in reasons}
    skipped = re.findall(r"^\[  SKIPPED \] (\S+) \(", output, re.MULTILINE)
    outcomes = [("passed", f"{name}: {case_name}", "") for case_name in passed]
    outcomes += [("failed", f"{name}: {case_name}", "see the output above") for case_name in failed]
    outcomes += [("skipped", f"{name}: {case_name}", reasons.get(case_name, "no reason printed"))
                 for case_name in skipped]
    disabled = re.search(r"YOU HAVE (\d+) DISABLED TEST", output)
    outcomes += [("skipped", name, "a case is disabled in the source")] * (int(disabled.group(1)) if disabled else 0)
    expected += int(disabled.group(1)) if disabled else 0
    # What did not come to an outcome did not run: the program died, was stopped, or its output was cut.
    if not ended or len(outcomes) < expected or (case.find("failure") is not None and not failed):
        missing = max(1, expected - len(outcomes))
        why = f"{missing} of {expected} cases came to no outcome: see the output above"
        outcomes += [("failed", name, why)] * missing
    return outcomes


def outcome(case):
    """'passed', 'failed' or 'skipped', the name, and why."""
    output, name = case.findtext("system-out") or "", case.get("name")
    if case.find("failure") is not None:
        return "failed", name, case.find("failure").get("message") or "see the output above"
    skipped = case.find("skipped")
    if skipped is None and case.get("status") == "run":
        return "passed", name, ""
    if case.get("status") == "disabled":
        return "skipped", name, "disabled in the source"
    # ctest calls a test skipped as soon as its output holds the marker, even when it failed or crashed afterwards.
    if "[  FAILED  ]" in output or ("[==========]" in output and " ran. (" not in output):
        return "failed", name, "it printed the skip marker, but failed or did not end"
    message = skipped.get("message", "") if skipped is not None else case.get("status", "")
    reason = skip_reason(output)
    if reason is None and "SKIP" not in message:
        return "failed", name, f"did not run: {message or 'no reason given'}"
    return "skipped", name, reason or message


def excerpt(case, name):
    """The last lines that a failed test printed; of a GoogleTest program its own case's."""
    output = case.findtext("system-out") or ""
    inner = name.partition(": ")[2]
    own = re.search(rf"^\[ RUN      \] {re.escape(inner)}$(.*?)^\[  FAILED  \] {re.escape(inner)}", output,
                    re.DOTALL | re.MULTILINE) if inner else None
    lines = (own.group(1) if own else output).strip().splitlines()[-EXCERPT_LINES:]
    return "".join(f"\n  | {line[:EXCERPT_COLUMNS]}" for line in lines)


def count(paths):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    notes = []
    for path in paths:
        if not Path(path).is_file():
            totals["failed"] += 1
            notes.append(("failed", path, "no results: its tests did not run"))
            continue
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            for result, name, why in unittest_outcomes(case) or gtest_outcomes(case) or [outcome(case)]:
                totals[result] += 1
                if result != "passed":
                    notes.append((result, name, why + (excerpt(case, name) if result == "failed" else "")))
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
