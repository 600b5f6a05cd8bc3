"""passnet_worker.capture: one trace, never a run; the traps of forking a captured graph."""

import unittest

import worker_path  # noqa: F401  (before torch)

import torch

from children import captured, in_child
from passnet_worker import capture

X = torch.arange(6.0).reshape(2, 3)
Y = torch.full((2, 3), 2.0)


class CaptureTest(unittest.TestCase):
    def test_in_place_graph_leaves_the_dummy_as_it_was(self):
        dummy = torch.zeros(3)
        captured("x.add_(1)\nreturn (x * 2,)", "x", dummy)
        self.assertEqual(dummy.tolist(), [0, 0, 0])

    def test_hole_runs_what_is_installed_and_counts(self):
        graph = captured("return (x + y, x * y)", "x, y", torch.empty(2, 3), torch.empty(2, 3))
        graph.hole.install(graph.gm)
        for _ in range(3):
            total, product = graph.compiled(x=X, y=Y)
        self.assertTrue(torch.equal(total, X + Y))
        self.assertTrue(torch.equal(product, X * Y))
        self.assertEqual(graph.hole.calls, 3)

    def test_no_capture_flushes_the_caches_for_a_log_line(self):
        captured("return (x + 1,)", "x", torch.empty(2, 3))
        guards = torch._dynamo.guards
        self.assertIsNot(guards.profile_guard_manager, torch._C._dynamo.guards.profile_guard_manager)
        used = guards.CheckFunctionManager.__init__.__code__.co_names
        self.assertIn("profile_guard_manager", used, "this torch measures its guards in another place")

    def test_without_installation_a_call_fails(self):
        graph = captured("return (x + 1,)", "x", torch.empty(2, 3))
        with self.assertRaisesRegex(RuntimeError, "no graph is installed"):
            graph.compiled(x=X)

    def test_other_shape_is_an_error_and_no_silent_eager_run(self):
        graph = captured("return (x + 1,)", "x", torch.empty(2, 3))
        graph.hole.install(graph.gm)
        with self.assertRaises(Exception) as raised:
            graph.compiled(x=torch.zeros(4, 4))
        self.assertIn("Recompile", type(raised.exception).__name__)
        self.assertEqual(graph.hole.calls, 0)

    def test_changed_grad_mode_is_an_error_and_no_silent_eager_run(self):
        graph = captured("return (x + 1,)", "x", torch.empty(2, 3))
        graph.hole.install(graph.gm)
        with torch.no_grad(), self.assertRaises(Exception):
            graph.compiled(x=X)
        self.assertEqual(graph.hole.calls, 0)

    def test_changed_thread_count_is_an_error_and_no_silent_eager_run(self):
        graph = captured("return (x + 1,)", "x", torch.empty(2, 3))
        graph.hole.install(graph.gm)

        def call_with_two_threads():
            torch.set_num_threads(2)
            try:
                graph.compiled(x=X)
            except Exception as error:
                return [type(error).__name__, graph.hole.calls]
            return ["no error", graph.hole.calls]

        self.assertEqual(in_child(call_with_two_threads), ["RecompileError", 0])

    def test_forked_child_installs_and_calls_without_another_trace(self):
        graph = captured("return (torch.nn.functional.silu(x) + y,)", "x, y", torch.empty(2, 3), torch.empty(2, 3))

        def child():
            graph.hole.install(graph.gm)
            (result,) = graph.compiled(x=X, y=Y)
            expected = torch.nn.functional.silu(X) + Y
            return [torch.equal(result, expected), graph.hole.calls, torch._dynamo.utils.counters["frames"]["total"]]

        before = torch._dynamo.utils.counters["frames"]["total"]
        self.assertEqual(in_child(child), [True, 1, before])

    def test_graph_break_is_named(self):
        with self.assertRaisesRegex(capture.CaptureError, "in one piece"):
            captured("print(x.sum().item())\nreturn (x + 1,)", "x", torch.empty(2, 3))

    def test_forward_that_computes_nothing_is_refused(self):
        with self.assertRaisesRegex(capture.CaptureError, "computes nothing"):
            captured("return (x,)", "x", torch.empty(2, 3))

    def test_wrong_number_of_inputs_is_refused(self):
        with self.assertRaisesRegex(capture.CaptureError, "takes 2 tensors"):
            captured("return (x + y,)", "x, y", torch.empty(2, 3))

    def test_one_tensor_for_two_inputs_is_refused(self):
        model = capture.load_model("import torch\nclass GraphModule(torch.nn.Module):\n"
                                   "    def forward(self, x, y):\n        return (x + y,)\n", "test_one_tensor")
        with self.assertRaisesRegex(capture.CaptureError, "one tensor"):
            capture.capture(model, [X, X])

    def test_model_without_graph_module_is_refused(self):
        with self.assertRaisesRegex(capture.CaptureError, "no class GraphModule"):
            capture.load_model("import torch\nGraphModule = 3\n", "test_no_module")

    def test_second_model_of_another_shape_stays_static(self):
        source = ("import torch\nclass GraphModule(torch.nn.Module):\n"
                  "    def forward(self, x):\n        return (x + 1,)\n")
        for size in (4, 6):
            model = capture.load_model(source, "test_same_name")
            graph = capture.capture(model, [torch.empty(size, 3)])
            self.assertEqual(graph.inputs, ["x"])
            (placeholder,) = graph.gm.graph.find_nodes(op="placeholder")
            self.assertEqual(placeholder.meta["example_value"].shape, (size, 3))

    def test_grad_mode_inside_a_graph_does_not_outlive_the_capture(self):
        captured("torch._C._set_grad_enabled(False)\nreturn (x + 1,)", "x", torch.empty(2, 3))
        self.assertTrue(torch.is_grad_enabled())


class DirectCallTest(unittest.TestCase):
    def test_arguments_are_mapped_though_dynamo_reorders_them(self):
        graph = captured("return (b - a,)", "a, b", torch.empty(2, 3), torch.empty(2, 3))
        self.assertEqual(graph.inputs, ["b", "a"])
        call = capture.direct_call(graph, graph.gm, graph.names)
        self.assertTrue(torch.equal(call(X, Y)[0], Y - X))

    def test_input_passed_through_and_unused_argument(self):
        graph = captured("return (a, b + 1)", "a, b, unused", *(torch.empty(2, 3) for _ in range(3)))
        call = capture.direct_call(graph, graph.gm, graph.names)
        passed, computed = call(X, Y, X)
        self.assertIs(passed, X)
        self.assertTrue(torch.equal(computed, Y + 1))

    def test_graph_arguments_follow_the_graph(self):
        graph = captured("return (b - a,)", "a, b", torch.empty(2, 3), torch.empty(2, 3))
        self.assertEqual([value is wanted for value, wanted in
                          zip(capture.graph_arguments(graph, {"a": X, "b": Y}), [Y, X])], [True, True])


class DescribeTest(unittest.TestCase):
    def reasons(self, forward: str, *inputs: torch.Tensor) -> dict[str, str | None]:
        names = ", ".join("xyz"[:len(inputs)])
        return {entry["target"]: entry["why_not"] for entry in capture.describe(captured(forward, names, *inputs).gm)}

    def test_entry_of_an_ordinary_node(self):
        graph = captured("return (torch.nn.functional.layer_norm(x, (3,), None, None, 1e-05),)", "x",
                         torch.empty(2, 3, dtype=torch.bfloat16))
        (entry,) = capture.describe(graph.gm)
        self.assertEqual(entry["target"], "torch.nn.functional.layer_norm")
        self.assertEqual(entry["output"], "bf16[2, 3]")
        self.assertIn("1e-05", entry["arguments"])
        self.assertTrue(entry["matchable"])

    def test_augmented_assignment_and_setitem(self):
        reasons = self.reasons("x += y\nx[0] = 1\nreturn (x * 2,)", torch.empty(2, 3), torch.empty(2, 3))
        self.assertIn("traced as add", reasons["_operator.iadd"])
        self.assertIn("cannot assign", reasons["_operator.setitem"])
        self.assertIsNone(reasons["_operator.mul"])

    def test_recorded_keywords_and_defaults(self):
        reasons = self.reasons("x = torch.nn.functional.relu(x, inplace=True)\n"
                               "return (torch.nn.functional.dropout(x, 0.5, False),)", torch.empty(2, 3))
        self.assertIn("keyword arguments (inplace)", reasons["torch.nn.functional.relu"])
        self.assertIn("fills in defaults up to 4", reasons["torch.nn.functional.dropout"])

    def test_factory_and_dunder_method(self):
        reasons = self.reasons("return (x.__eq__(0) + torch.arange(3),)", torch.empty(2, 3))
        self.assertIn("constant when traced", reasons["torch.arange"])
        self.assertIn("as an operator", reasons["__eq__"])

    def test_long_arguments_are_cut(self):
        graph = captured("return (x + torch.tensor(list(range(500))),)", "x", torch.empty(500))
        self.assertLessEqual(max(len(entry["arguments"]) for entry in capture.describe(graph.gm)),
                             capture.MAX_TEXT + 1)


class RandomnessTest(unittest.TestCase):
    def uses(self, forward: str) -> bool:
        return capture.uses_randomness(captured(forward, "x", torch.empty(2, 3)).gm)

    def test_live_draw_counts_and_a_dead_one_does_not(self):
        self.assertTrue(self.uses("return (x + torch.rand(3),)"))
        self.assertFalse(self.uses("r = torch.rand(3)\nreturn (x + 1,)"))

    def test_dropout_counts_only_in_training(self):
        self.assertTrue(self.uses("return (torch.nn.functional.dropout(x, 0.5, True),)"))
        self.assertFalse(self.uses("return (torch.nn.functional.dropout(x, 0.5, False, False),)"))

    def test_draw_in_place_counts_though_its_result_is_unused(self):
        self.assertTrue(self.uses("y = x + 1\ny.uniform_()\nreturn (y,)"))


class DummyInputsTest(unittest.TestCase):
    def test_shapes_and_dtypes(self):
        floats, integers = capture.dummy_inputs([{"shape": [2, 3], "dtype": "bfloat16"},
                                                 {"shape": [4], "dtype": "torch.int64"}])
        self.assertEqual((floats.shape, floats.dtype), ((2, 3), torch.bfloat16))
        self.assertEqual(integers.tolist(), [0, 0, 0, 0])


if __name__ == "__main__":
    unittest.main()
