"""passnet_worker.trace: candidate code in a throw-away child; what comes back is data, and every mistake is named."""

import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import worker_path  # noqa: F401  (before torch)

from children import in_child, one_pass, trace_files
from passnet_worker import trace

# The CUDA flavour of torch, which plain PyPI brings, installs triton; the CPU flavour does not.
WITHOUT_TRITON = mock.patch.dict(sys.modules, {"triton": None, "triton.language": None})


class TracedPatternTest(unittest.TestCase):
    def only_pass(self, files: dict[str, str]) -> dict:
        traced = trace_files(files)
        self.assertEqual(traced["errors"], [])
        (traced_pass,) = traced["passes"]
        return traced_pass

    def test_calls_are_positional_with_defaults_filled_in(self):
        node = self.only_pass(one_pass("return torch.nn.functional.dropout(x, p=0.5)", "x"))["nodes"][0]
        self.assertEqual(node["target"], "torch.nn.functional.dropout")
        self.assertEqual(node["args"], [{"node": "x"}, {"float": "0.5"}, True, False])
        self.assertEqual(node["kwargs"], {})

    def test_builtins_without_signature_stay_as_written(self):
        node = self.only_pass(one_pass("return torch.sum(x, dim=1)", "x"))["nodes"][0]
        self.assertEqual(node["args"], [{"node": "x"}])
        self.assertEqual(node["kwargs"], {"dim": 1})

    def test_literals_of_every_kind(self):
        node = self.only_pass(one_pass("return x.to(torch.float16, memory_format=torch.channels_last)[..., 1:, None]",
                                       "x"))["nodes"]
        self.assertEqual(node[0]["args"], [{"node": "x"}, {"dtype": "float16"}])
        self.assertEqual(node[0]["kwargs"], {"memory_format": {"memory_format": "channels_last"}})
        self.assertEqual(node[1]["args"][1], {"tuple": [{"ellipsis": True}, {"slice": [1, None, None]}, None]})

    def test_augmented_assignment_is_recorded_as_such(self):
        node = self.only_pass(one_pass("x += y\nreturn x", "x, y"))["nodes"][0]
        self.assertEqual(node["target"], "_operator.iadd")

    def test_replacement_args_shuffle_and_constants(self):
        traced = self.only_pass(one_pass("return x + y", "x, y", 'y, x, "route", 1e-5, (x, 3), None, (1, 2)'))
        self.assertEqual(traced["replacement_args"], [
            {"placeholder": 1}, {"placeholder": 0}, {"const": "route"}, {"const": {"float": "1e-05"}},
            {"tuple": [{"placeholder": 0}, {"const": 3}]}, {"const": None}, {"const": {"tuple": [1, 2]}}])

    def test_answer_is_json_without_special_numbers(self):
        traced = self.only_pass(one_pass('return x.masked_fill(y, float("-inf"))', "x, y"))
        self.assertEqual(traced["nodes"][0]["args"][2], {"float": "-inf"})
        json.dumps(traced, allow_nan=False)

    def test_helper_module_and_kernel_load(self):
        files = one_pass("return x + 1", "x")
        files["_shared.py"] = ("import passnet_kernels\n_k = passnet_kernels.load('fused')\n\n"
                               "def fused(x):\n    _k.run(x)\n")
        files["One.py"] = ("from pass_dir._shared import fused\n\ndef pattern(x):\n    return x + 1\n\n"
                           "def replacement_args(x):\n    return (x,)\n\ndef replacement_func():\n    return fused\n")
        self.only_pass(files)


class FindingTest(unittest.TestCase):
    def only_error(self, files: dict[str, str]) -> dict:
        traced = trace_files(files)
        self.assertEqual(traced["passes"], [])
        (error,) = traced["errors"]
        return error

    def check_static(self, expression: str, words: str) -> None:
        error = self.only_error(one_pass("return x + y", "x, y", expression))
        self.assertTrue(error["static"], error)
        self.assertEqual(error["rule"], "H12.replacement-args")
        self.assertIn(words, error["what"])
        self.assertEqual(error["line"], 9)

    def test_operations_on_placeholders(self):
        for expression, words in [
                ("x + y", "computes (add)"), ("y * 2", "computes (mul)"), ("2 - x", "computes (rsub)"),
                ("torch.relu(x)", "calls relu on argument 0"), ("x.shape", "reads .shape of argument 0"),
                ("y.contiguous()", "reads .contiguous of argument 1"), ("x[0]", "computes (getitem)"),
                ("-x", "computes (neg)"), ("x == y", "computes (eq)"), ("x if x else y", "computes (bool)"),
                ("torch.empty(1)", "a value of type Tensor"), ("fused", "a value of type function"),
                ("*x", "computes (iter)"), ("f'{x}'", "computes (format)"), ("x @ y", "computes (matmul)")]:
            with self.subTest(expression):
                self.check_static(expression, words)

    def test_caught_exception_is_still_found(self):
        files = one_pass("return x + y", "x, y")
        files["One.py"] = files["One.py"].replace(
            "    return (x, y,)",
            "    try:\n        x.relu()\n    except BaseException:\n        pass\n    return (x, y)")
        self.assertIn("reads .relu", self.only_error(files)["what"])

    def test_exception_turned_into_another_is_still_found(self):
        files = one_pass("return x + y", "x, y")
        files["One.py"] = files["One.py"].replace(
            "    return (x, y,)",
            "    try:\n        x.relu()\n    except BaseException:\n        raise ValueError('hidden')")
        error = self.only_error(files)
        self.assertTrue(error["static"])
        self.assertIn("reads .relu", error["what"])

    def test_unstable_replacement_function(self):
        files = one_pass("return x + 1", "x")
        files["One.py"] = files["One.py"].replace("return fused\n", "return lambda x: x\n")
        self.assertIn("another object each time", self.only_error(files)["what"])

    def test_second_replacement_function_is_dropped_and_the_first_stays(self):
        files = one_pass("return x + 1", "x")
        files["Two.py"] = files["One.py"]
        files[trace.RULE_LIST] = '["One", "Two"]'
        traced = trace_files(files)
        self.assertEqual([item["name"] for item in traced["passes"]], ["One"])
        self.assertEqual(traced["errors"][0]["pass"], "Two")
        self.assertIn("all passes share one function", traced["errors"][0]["what"])

    def test_triton_that_is_missing_is_told_apart(self):
        files = one_pass("return x + 1", "x", extra="import triton.language as tl")
        with WITHOUT_TRITON:
            traced = trace_files(files)
        self.assertEqual(traced["unsupported_lane"], "triton")
        self.assertTrue(traced["uses_triton"])
        self.assertNotIn("unsupported_lane", trace_files(one_pass("return x + 1", "x", extra="import absent")))

    def test_triton_that_is_installed_is_noticed_where_the_candidate_holds_it(self):
        import types

        def trace_with_triton(files):
            sys.modules["triton"] = types.ModuleType("triton")  # as if it were installed, and torch had imported it
            try:
                return trace_files(files)
            finally:
                del sys.modules["triton"]

        self.assertTrue(trace_with_triton(one_pass("return x + 1", "x", extra="import triton"))["uses_triton"])
        self.assertFalse(trace_with_triton(one_pass("return x + 1", "x"))["uses_triton"])
        optional = "try:\n    import triton\nexcept ImportError:\n    triton = None"
        with WITHOUT_TRITON:
            traced = trace_files(one_pass("return x + 1", "x", extra=optional))
        self.assertEqual((traced["uses_triton"], len(traced["passes"])), (False, 1))

    def test_failures_name_type_and_line(self):
        for extra, words, line in [("1 / 0", "ZeroDivisionError", 3), ("raise SystemExit(3)", "SystemExit", 3),
                                   ("def broken(:", "SyntaxError", 3), ("import os, nothing_here", "nothing_here", 3)]:
            with self.subTest(extra):
                error = self.only_error(one_pass("return x + 1", "x", extra=extra))
                self.assertIn(words, error["what"])
                self.assertEqual(error["line"], line)
                self.assertFalse(error["static"])

    def test_exception_that_cannot_be_printed(self):
        extra = ("class Bad(Exception):\n    def __str__(self):\n        raise KeyboardInterrupt\n\nraise Bad()")
        self.assertIn("cannot be printed", self.only_error(one_pass("return x + 1", "x", extra=extra))["what"])

    def test_pattern_that_cannot_be_traced(self):
        for body, words in [("return x if x.sum() > 0 else y", "TraceError"), ("x[0] = 1\nreturn x + y", "TypeError"),
                            ("return undefined(x, y)", "NameError")]:
            with self.subTest(body):
                self.assertIn(words, self.only_error(one_pass(body, "x, y"))["what"])

    def test_missing_function_and_star_arguments(self):
        files = one_pass("return x + 1", "x")
        files["One.py"] = files["One.py"].replace("def pattern", "def other")
        self.assertIn("pattern is missing", self.only_error(files)["what"])
        files["One.py"] = files["One.py"].replace("def other(x)", "def pattern(*x)")
        self.assertEqual(self.only_error(files)["pass"], "One")


class RuleListTest(unittest.TestCase):
    def error_for(self, text: str | None) -> str:
        files = one_pass("return x + 1", "x")
        del files[trace.RULE_LIST]
        if text is not None:
            files[trace.RULE_LIST] = text
        (error,) = trace_files(files)["errors"]
        return error["what"]

    def test_lists_that_are_refused(self):
        for text, words in [(None, "is missing"), ("[", "no JSON"), ('{"One": 1}', "no array"), ("[]", "names no pass"),
                            ('["../One"]', "no array"), ('["One.py"]', "no array"), ('["One", "One"]', "twice"),
                            ('["Absent"]', "No module named 'pass_dir.Absent'"), ("[" * 100000, "no JSON"),
                            (json.dumps([f"P{number}" for number in range(101)]), "101 passes, limit 100")]:
            with self.subTest(str(text)[:20]):
                self.assertIn(words, self.error_for(text))

    def test_folder_of_another_name_is_refused(self):
        with tempfile.TemporaryDirectory() as root:
            Path(root, trace.RULE_LIST).write_text('["One"]')
            traced = in_child(lambda: trace.trace_candidate(root))
        self.assertIn("must be called pass_dir", traced["errors"][0]["what"])


if __name__ == "__main__":
    unittest.main()
