"""The total line of ./dev test says what ctest's results say, and is never kinder."""

import importlib.util
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("count_tests", ROOT / ".ci" / "count_tests.py")
count_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(count_tests)

PASSED = '<testcase name="A.a" status="run"><system-out>fine</system-out></testcase>'
FAILED = '<testcase name="A.b" status="fail"><failure message="Timeout"/><system-out></system-out></testcase>'
# As GoogleTest 1.12 prints a skipped case and ctest 3.25 records it.
SKIPPED = """<testcase name="A.c" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>
[==========] Running 1 test from 1 test suite.
[ RUN      ] A.c
a_test.cc:12: Skipped
no Landlock on this kernel
[  SKIPPED ] A.c (0 ms)
[==========] 1 test from 1 test suite ran. (0 ms total)
[  SKIPPED ] 1 test, listed below:
</system-out></testcase>"""
CRASHED_AFTER_MARKER = """<testcase name="A.d" status="notrun">
<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/><system-out>
[==========] Running 1 test from 1 test suite.
[  SKIPPED ] printed by the program under test, then a crash
</system-out></testcase>"""
NOT_BUILT = '<testcase name="x_NOT_BUILT" status="notrun"><skipped message="Unable to find executable"/></testcase>'
# A unittest file that ctest runs as one test.
WHOLE_FILE = """<testcase name="trace_test" status="{status}">{failure}<system-out>
test_a (__main__.TraceTest.test_a)
What it shows. ... ok
test_b (__main__.TraceTest.test_b) ... skipped 'no data here'
test_c (__main__.TraceTest.test_c) ... {last}
----------------------------------------------------------------------
Ran 3 tests in 0.004s

{summary}
</system-out></testcase>"""
# A GoogleTest program that ctest runs as one test.
WHOLE_PROGRAM = """<testcase name="evaluation_test" status="{status}">{failure}<system-out>
[==========] Running 3 tests from 2 test suites.
[ RUN      ] A.a
[       OK ] A.a (3 ms)
[ RUN      ] A.b
a_test.cc:12: Skipped
no data here
[  SKIPPED ] A.b (0 ms)
[ RUN      ] B.c
{last}
</system-out></testcase>"""
WHOLE_END = """[==========] 3 tests from 2 test suites ran. (5 ms total)
[  PASSED  ] 1 test.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] A.b"""


class ExcerptTest(unittest.TestCase):
    def test_a_failed_case_shows_its_own_lines(self):
        text = WHOLE_PROGRAM.format(status="fail", failure='<failure message="Failed"/>',
                                    last="c_test.cc:7: Failure\n  one is not two\n[  FAILED  ] B.c (4 ms)\n" + WHOLE_END)
        case = count_tests.ElementTree.fromstring(text)
        self.assertEqual(count_tests.excerpt(case, "evaluation_test: B.c"),
                         "\n  | c_test.cc:7: Failure\n  |   one is not two")

    def test_of_a_program_without_cases_its_last_lines(self):
        case = count_tests.ElementTree.fromstring("<testcase><system-out>a\nb\n</system-out></testcase>")
        self.assertEqual(count_tests.excerpt(case, "A.b"), "\n  | a\n  | b")


class CountTest(unittest.TestCase):
    def count(self, *cases):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "results.xml")
            path.write_text("<testsuite>" + "".join(cases) + "</testsuite>")
            totals, notes = count_tests.count([str(path)])
            return (totals["passed"], totals["failed"], totals["skipped"]), notes

    def test_each_outcome(self):
        totals, notes = self.count(PASSED, PASSED, FAILED, SKIPPED)
        self.assertEqual((2, 1, 1), totals)
        self.assertIn(("skipped", "A.c", "no Landlock on this kernel"), notes)
        self.assertIn(("failed", "A.b", "Timeout"), notes)

    def test_a_program_that_ran_as_one_test_counts_its_cases(self):
        whole = WHOLE_PROGRAM.format(status="run", failure="", last="[       OK ] B.c (1 ms)\n" + WHOLE_END)
        totals, notes = self.count(whole)
        self.assertEqual((2, 0, 1), totals)
        self.assertIn(("skipped", "evaluation_test: A.b", "no data here"), notes)

    def test_cases_that_are_skipped_for_one_reason_each_have_it(self):
        whole = WHOLE_PROGRAM.format(status="run", failure="",
                                     last="c_test.cc:9: Skipped\nno data here\n[  SKIPPED ] B.c (0 ms)\n" + WHOLE_END)
        notes = self.count(whole)[1]
        self.assertIn(("skipped", "evaluation_test: A.b", "no data here"), notes)
        self.assertIn(("skipped", "evaluation_test: B.c", "no data here"), notes)

    def test_a_disabled_case_of_a_whole_program_is_a_skip(self):
        last = "[       OK ] B.c (1 ms)\n" + WHOLE_END + "\n\n  YOU HAVE 1 DISABLED TEST\n"
        whole = WHOLE_PROGRAM.format(status="run", failure="", last=last)
        self.assertEqual((2, 0, 2), self.count(whole)[0])

    def test_a_failed_case_of_a_whole_program_is_one_failure(self):
        last = "[  FAILED  ] B.c (1 ms)\n" + WHOLE_END + "\n[  FAILED  ] B.c"
        whole = WHOLE_PROGRAM.format(status="fail", failure='<failure message="Failed"/>', last=last)
        self.assertEqual((1, 1, 1), self.count(whole)[0])

    def test_a_whole_program_that_died_fails_for_what_did_not_run(self):
        whole = WHOLE_PROGRAM.format(status="fail", failure='<failure message="Timeout"/>', last="Killed")
        self.assertEqual((1, 1, 1), self.count(whole)[0])
        # Exit code of a leak found after the last case: all cases are fine, the program is not.
        whole = WHOLE_PROGRAM.format(status="fail", failure='<failure message="Failed"/>',
                                     last="[       OK ] B.c (1 ms)\n" + WHOLE_END)
        self.assertEqual((2, 1, 1), self.count(whole)[0])

    def test_crash_after_the_skip_marker_is_a_failure(self):
        self.assertEqual((0, 1, 0), self.count(CRASHED_AFTER_MARKER)[0])

    def test_cases_of_a_whole_file_are_counted(self):
        passed = WHOLE_FILE.format(status="run", failure="", last="ok", summary="OK (skipped=1)")
        totals, notes = self.count(passed)
        self.assertEqual((2, 0, 1), totals)
        self.assertEqual([("skipped", "trace_test: test_b (__main__.TraceTest.test_b)", "no data here")], notes)
        failed = WHOLE_FILE.format(status="fail", failure='<failure message=""/>', last="FAIL",
                                   summary="FAILED (failures=1, skipped=1)")
        self.assertEqual((1, 1, 1), self.count(failed)[0])

    def test_whole_file_that_fails_after_its_summary_is_a_failure(self):
        crashed = WHOLE_FILE.format(status="fail", failure='<failure message=""/>', last="ok", summary="OK (skipped=1)")
        self.assertEqual((1, 1, 1), self.count(crashed)[0])

    def test_what_was_not_built_is_a_failure(self):
        self.assertEqual((0, 1, 0), self.count(NOT_BUILT)[0])

    def test_missing_results_are_a_failure(self):
        self.assertEqual(1, count_tests.count(["/nonexistent/results.xml"])[0]["failed"])


if __name__ == "__main__":
    unittest.main()
