"""passnet_worker.match: which nodes a pattern covers, why not, and the rewritten graph."""

import json
import operator
import unittest
from pathlib import Path

import worker_path  # noqa: F401  (before torch)

import torch
from torch.fx.passes.utils.matcher_utils import SubgraphMatcher

from children import captured, in_child, one_pass, plan_for, trace_files
from passnet_worker import capture, match, matcher, trace

X = torch.arange(6.0).reshape(2, 3)
Y = torch.full((2, 3), 2.0)
E23 = torch.empty(2, 3)


def applied(graph: capture.Captured, plan: dict, wrapper):
    """The rewritten graph as a function of forward's arguments."""
    gm = match.apply_plan(graph.gm, json.loads(json.dumps(plan)), match.leaf_function(wrapper))
    return capture.direct_call(graph, gm, graph.names), gm


class RewriteTest(unittest.TestCase):
    def test_one_match_is_rewritten_and_computes_the_same(self):
        graph = captured("z = torch.sigmoid(x + y)\nreturn (z * 2,)", "x, y", E23, E23)
        plan = plan_for(graph, one_pass("return torch.sigmoid(a + b)", "a, b", 'b, a, "route"'))
        self.assertEqual([(r["pass"], len(r["matched"])) for r in plan["rewrites"]], [("One", 2)])
        self.assertEqual((plan["matched_nodes"], plan["total_nodes"]), (2, 3))
        self.assertAlmostEqual(plan["coverage"], 2 / 3)
        self.assertIsNone(plan["first_mismatch"])
        seen = []

        def wrapper(b, a, route):
            seen.append(route)
            return torch.sigmoid(a + b)

        call, gm = applied(graph, plan, wrapper)
        self.assertTrue(torch.equal(call(X, Y)[0], torch.sigmoid(X + Y) * 2))
        self.assertEqual(seen, ["route"])
        self.assertEqual(sum(1 for node in gm.graph.nodes if node.op == "call_function"), 2)

    def test_the_captured_graph_itself_stays(self):
        graph = captured("return (torch.sigmoid(x + y),)", "x, y", E23, E23)
        before = str(graph.gm.graph)
        plan = plan_for(graph, one_pass("return torch.sigmoid(a + b)", "a, b"))
        applied(graph, plan, lambda *args: args[0])
        self.assertEqual(str(graph.gm.graph), before)

    def test_every_site_is_rewritten_and_chained_sites_use_the_new_values(self):
        graph = captured("for _ in range(3):\n    x = torch.sigmoid(x) * y\nreturn (x,)", "x, y", E23, E23)
        plan = plan_for(graph, one_pass("return torch.sigmoid(a) * b", "a, b"))
        self.assertEqual(len(plan["rewrites"]), 3)
        self.assertEqual(plan["coverage"], 1.0)
        call, _ = applied(graph, plan, lambda a, b: torch.sigmoid(a) * b)
        expected = X
        for _ in range(3):
            expected = torch.sigmoid(expected) * Y
        self.assertTrue(torch.equal(call(X, Y)[0], expected))

    def test_later_pass_sees_what_the_earlier_left(self):
        graph = captured("return (torch.sigmoid(x + y) * 2,)", "x, y", E23, E23)
        files = one_pass("return torch.sigmoid(a)", "a")
        files["Two.py"] = ("from pass_dir.One import fused\n\ndef pattern(a, b):\n    return (a + b) * 2\n\n"
                           "def replacement_args(a, b):\n    return (a, b)\n\n"
                           "def replacement_func():\n    return fused\n")
        files[trace.RULE_LIST] = '["One", "Two"]'
        plan = plan_for(graph, files)
        self.assertEqual([r["pass"] for r in plan["rewrites"]], ["One"])
        files["Two.py"] = files["Two.py"].replace("(a + b) * 2", "a * b")
        plan = plan_for(graph, files)
        self.assertEqual([r["pass"] for r in plan["rewrites"]], ["One", "Two"])
        self.assertEqual(plan["rewrites"][1]["args"], [{"node": "passnet_call_0"}, {"const": 2}])

    def test_several_outputs_are_taken_apart(self):
        graph = captured("z = torch.nn.functional.gelu(x)\nreturn (z * y, z.mean((0, 1), keepdim=True))", "x, y",
                         E23, E23)
        plan = plan_for(graph, one_pass("z = torch.nn.functional.gelu(a)\nreturn z, z.mean((0, 1), keepdim=True)", "a"))
        self.assertEqual(len(plan["rewrites"][0]["outputs"]), 2)
        self.assertEqual(plan["upstream_refuses"], ["One"])

        def wrapper(a):
            z = torch.nn.functional.gelu(a)
            return z, z.mean((0, 1), keepdim=True)

        call, gm = applied(graph, plan, wrapper)
        product, mean = call(X, Y)
        self.assertTrue(torch.equal(product, torch.nn.functional.gelu(X) * Y))
        self.assertTrue(torch.equal(mean, torch.nn.functional.gelu(X).mean((0, 1), keepdim=True)))
        self.assertEqual(sum(1 for node in gm.graph.nodes if node.target is operator.getitem), 2)

    def test_arguments_bind_literals_and_lists(self):
        graph = captured("return (torch.cat([x, y], 1) * 3,)", "x, y", E23, E23)
        plan = plan_for(graph, one_pass("return torch.cat(parts, 1) * factor", "parts, factor"))
        args = plan["rewrites"][0]["args"]
        self.assertEqual(args, [{"list": [{"node": "l_x_"}, {"node": "l_y_"}]}, {"const": 3}])
        call, _ = applied(graph, plan, lambda parts, factor: torch.cat(parts, 1) * factor)
        self.assertTrue(torch.equal(call(X, Y)[0], torch.cat([X, Y], 1) * 3))

    def test_function_without_a_name_can_be_called(self):
        graph = captured("return (torch.sigmoid(x),)", "x", E23)
        plan = plan_for(graph, one_pass("return torch.sigmoid(a)", "a"))

        class Callable:
            def __call__(self, a):
                return torch.sigmoid(a)

        call, _ = applied(graph, plan, Callable())
        self.assertTrue(torch.equal(call(X)[0], torch.sigmoid(X)))

    def test_chain_of_two_thousand_nodes(self):
        graph = captured("for _ in range(1000):\n    x = torch.sigmoid(x) + 1\nreturn (x,)", "x", E23)
        pattern = one_pass("for _ in range(1000):\n    x = torch.sigmoid(x) + 1\nreturn x", "x")
        traced = trace_files(pattern)
        plan = in_child(lambda: match.match_candidate(graph.gm, traced))
        self.assertEqual(plan["matched_nodes"], 2000)

    def test_own_matcher_finds_what_torchs_finds(self):
        """The matcher's short cuts against torch's own class, on graphs with several sites, overlaps and misses."""
        forward = ("for _ in range(4):\n    x = torch.sigmoid(x) * y + torch.sin(x)\n"
                   "return (x, torch.sin(y) * x, torch.sin(x) * x)")
        graph = captured(forward, "x, y", E23, E23)
        patterns = [("a, b", "return torch.sigmoid(a) * b"), ("a", "return torch.sin(a)"),
                    ("a, b", "return torch.sigmoid(a) * b + torch.sin(a)"), ("a", "return torch.sin(a) * a"),
                    ("a, b", "p = torch.sigmoid(a) * b\nreturn p + torch.sin(a), p"), ("a, b, c", "return a * b + c"),
                    ("a", "return torch.sin(a), torch.sigmoid(a)"), ("a, b", "return torch.sin(a) * b")]
        for arguments, body in patterns:
            with self.subTest(body):
                item = trace_files(one_pass(body, arguments))["passes"]
                work = match.Workplace(graph.gm, "upstream")
                pattern = match.build_pattern(item[0], work, "upstream")
                theirs = SubgraphMatcher(pattern, remove_overlapping_matches=True).match(work.graph)
                ours = matcher.find_matches(pattern, work.graph, matcher.Budget())
                self.assertEqual([found.nodes_map for found in ours], [found.nodes_map for found in theirs])

    def test_replacement_through_dynamo_in_a_forked_child(self):
        graph = captured("return (torch.sigmoid(x + y),)", "x, y", E23, E23)
        plan = plan_for(graph, one_pass("return torch.sigmoid(a + b)", "a, b"))

        def child():
            gm = match.apply_plan(graph.gm, plan, match.leaf_function(lambda a, b: a - b))
            graph.hole.install(gm)
            return [graph.compiled(x=X, y=Y)[0].tolist(), graph.hole.calls]

        self.assertEqual(in_child(child), [(X - Y).tolist(), 1])


class MismatchTest(unittest.TestCase):
    def mismatch(self, forward: str, pattern: str, *inputs: torch.Tensor, arguments: str = "a, b",
                 matching: str = "upstream") -> dict:
        names = ", ".join("xyz"[:len(inputs)])
        plan = plan_for(captured(forward, names, *inputs), one_pass(pattern, arguments), matching)
        self.assertEqual(plan["rewrites"], [])
        self.assertEqual((plan["matched_nodes"], plan["coverage"]), (0, 0.0))
        return plan["first_mismatch"]

    def test_literal(self):
        found = self.mismatch("return (torch.nn.functional.layer_norm(x, (3,), y, y, 1e-06),)",
                              "return torch.nn.functional.layer_norm(a, (3,), b, b, 1e-05)", E23, torch.empty(3))
        self.assertEqual(found["what"], "layer_norm: eps 1e-05 in the pattern, 1e-06 in the graph")
        self.assertEqual((found["pass"], found["pattern_node"], found["aligned"]), ("One", "layer_norm", 0))

    def test_literal_of_a_builtin_and_its_type(self):
        found = self.mismatch("return (torch.flatten(x, 1) * y,)", "return torch.flatten(a, 0) * b", E23, E23)
        self.assertEqual(found["what"], "flatten: argument 1 0 in the pattern, 1 in the graph")
        self.assertEqual(found["aligned"], 1)
        found = self.mismatch("return (x * 2,)", "return a * 2.0", E23, arguments="a")
        self.assertIn("2.0 in the pattern, 2 in the graph", found["what"])

    def test_other_operation_below_the_anchor(self):
        found = self.mismatch("return ((x - y) * torch.sin(x + y),)", "return (a + b) * torch.sin(a + b)", E23, E23)
        self.assertEqual(found["what"], "add: _operator.add in the pattern, _operator.sub in the graph (sub)")

    def test_function_that_the_graph_never_calls(self):
        found = self.mismatch("return (torch.nn.functional.relu(x + y),)", "return torch.relu(a + b)", E23, E23)
        self.assertIn("torch.relu, the graph never does (it has torch.nn.functional.relu)", found["what"])

    def test_method_that_the_graph_never_calls(self):
        self.assertIn(".view()", self.mismatch("return (x.reshape(3, 2),)", "return a.view(3, 2)", E23,
                                               arguments="a")["what"])

    def test_keywords_recorded_by_dynamo(self):
        found = self.mismatch("return (torch.nn.functional.relu(x + y, inplace=True),)",
                              "return torch.nn.functional.relu(a + b, inplace=True)", E23, E23)
        self.assertIn("recorded with keyword arguments (inplace)", found["what"])

    def test_keywords_match_when_normalised(self):
        graph = captured("return (torch.nn.functional.relu(x + y, inplace=True),)", "x, y", E23, E23)
        files = one_pass("return torch.nn.functional.relu(a + b, inplace=True)", "a, b")
        self.assertEqual(plan_for(graph, files, "normalised")["coverage"], 1.0)

    def test_augmented_assignment(self):
        found = self.mismatch("x += y\nreturn (x * 2,)", "a += b\nreturn a * 2", E23, E23)
        self.assertIn("it has _operator.iadd", found["what"])
        graph = captured("x += y\nreturn (x * 2,)", "x, y", E23, E23)
        self.assertEqual(plan_for(graph, one_pass("a += b\nreturn a * 2", "a, b"), "normalised")["coverage"], 1.0)
        plain = captured("return ((x + y) * 2,)", "x, y", E23, E23)
        self.assertEqual(plan_for(plain, one_pass("a += b\nreturn a * 2", "a, b"))["coverage"], 1.0)

    def test_inner_value_that_leaks(self):
        found = self.mismatch("s = x + y\nreturn (torch.sigmoid(s), s * 2)", "return torch.sigmoid(a + b)", E23, E23)
        self.assertIn("add: s of the graph is also used by mul", found["what"])

    def test_argument_that_stands_for_two_values(self):
        found = self.mismatch("return (torch.sigmoid(x) * y,)", "return torch.sigmoid(a) * a", E23, E23, arguments="a")
        self.assertIn("a stands for l_x_ in one place and for l_y_ in another", found["what"])

    def test_two_arguments_for_one_value(self):
        found = self.mismatch("return (torch.sin(x) * x,)", "return torch.sin(a) * b", E23)
        self.assertIn("b and a of the pattern both stand for l_x_", found["what"])

    def test_input_where_the_pattern_computes(self):
        found = self.mismatch("return (torch.sin(x) * y + x,)", "return torch.sin(a) * torch.sin(b)", E23, E23)
        self.assertIn("torch.sin in the pattern, an input in the graph", found["what"])

    def test_longest_alignment_wins(self):
        forward = "p = torch.cos(x) * y\nq = torch.sin(torch.tanh(x)) * y\nreturn (p + q,)"
        found = self.mismatch(forward, "return torch.sin(torch.exp(a)) * b\n", E23, E23)
        self.assertIn("torch.exp", found["what"])
        forward = "p = torch.exp(x) * y\nq = torch.sin(torch.tanh(x)) * y\nreturn (p + q,)"
        found = self.mismatch(forward, "return torch.sin(torch.exp(a)) * b\n", E23, E23)
        self.assertEqual((found["pattern_node"], found["graph_node"], found["aligned"]), ("exp", "tanh", 2))

    def test_patterns_that_can_never_match(self):
        for pattern, words in [("torch.sin(a)\nreturn a + b", "unused"), ("return torch.sin(a)", "argument b"),
                               ("s = a + b\nreturn s, s", "returns a value twice"),
                               ("return a + b, a", "own argument a"),
                               ("return a + b + torch.arange(3)", "constant tensor"), ("return 3", "no value")]:
            with self.subTest(pattern):
                found = self.mismatch("return (x + y + torch.arange(3) + torch.sin(x),)", pattern, E23, E23)
                self.assertIn(words, found["what"])

    def test_replacement_that_would_come_too_early(self):
        forward = "p = torch.sin(x)\nu = p * 2\nlate = torch.exp(y)\nreturn (u, p + 1, torch.cos(p) * late)"
        graph = captured(forward, "x, y", E23, E23)
        plan = plan_for(graph, one_pass("p = torch.sin(a)\nreturn p, torch.cos(p) * b", "a, b"))
        self.assertEqual(plan["rewrites"], [])
        self.assertIn("would need late before it is computed", plan["passes"][0]["reason"])

    def test_device_literals_of_the_task_are_mapped(self):
        graph = captured("return (x.to(torch.device('cpu')) * y,)", "x, y", E23, E23)
        plan = plan_for(graph, one_pass("return a.to(torch.device(type='cuda', index=0)) * b", "a, b"))
        self.assertEqual(plan["coverage"], 1.0)


class HostileTraceTest(unittest.TestCase):
    def setUp(self):
        self.graph = captured("return (torch.sigmoid(x + y),)", "x, y", E23, E23)
        self.traced = trace_files(one_pass("return torch.sigmoid(a + b)", "a, b"))

    def test_target_outside_the_graph_is_never_looked_up(self):
        for name in ("os.system", "torch.hub.load", "builtins.exec", "_operator.mul"):
            self.traced["passes"][0]["nodes"][0]["target"] = name
            plan = match.match_candidate(self.graph.gm, self.traced)
            self.assertEqual(plan["rewrites"], [])
            self.assertIn(f"calls {name}, the graph never does", plan["first_mismatch"]["what"])

    def test_other_kinds_of_nodes_are_refused(self):
        for op in ("call_module", "get_attr", "output", "placeholder", "nonsense"):
            self.traced["passes"][0]["nodes"][0]["op"] = op
            self.assertEqual(match.match_candidate(self.graph.gm, self.traced)["rewrites"], [])

    def made_up(self, forward: str, pattern: str, change) -> dict:
        """The plan for a trace that pattern() wrote itself: `change` edits the node that an honest trace would hold."""
        graph = captured(forward, "x, y", E23, E23)
        traced = trace_files(one_pass(pattern, "a, b"))
        self.assertEqual(traced["errors"], [])
        change(traced["passes"][0]["nodes"])
        return match.match_candidate(graph.gm, traced)

    def test_form_that_no_tracer_writes_matches_nothing(self):
        """Dynamo records the keyword, upstream's tracer cannot: a trace that says so anyway was written by hand."""
        def keyword(nodes):
            nodes[-1]["args"], nodes[-1]["kwargs"] = nodes[-1]["args"][:1], {"inplace": True}

        forward = "return (torch.nn.functional.relu(x + y, inplace=True),)"
        plan = self.made_up(forward, "return torch.nn.functional.relu(a + b, inplace=True)", keyword)
        self.assertEqual(plan["rewrites"], [])
        self.assertIn("relu: no pattern function gives this node", plan["first_mismatch"]["what"])

    def test_operation_that_no_pattern_can_record_matches_nothing(self):
        def item_assignment(nodes):
            nodes[-1].update(target="_operator.setitem", args=[{"node": "a"}, 0, {"node": "b"}])

        plan = self.made_up("z = x + 1\nz[0] = y[0]\nreturn (z * 2,)", "return a + b", item_assignment)
        self.assertEqual(plan["rewrites"], [])
        self.assertIn("no pattern function gives", plan["first_mismatch"]["what"])

    def test_node_that_nothing_goes_into_matches_nothing(self):
        graph = captured("return (x + torch.arange(3),)", "x, y", E23, E23)
        node = {"name": "arange", "op": "call_function", "target": "torch.arange", "args": [3], "kwargs": {}}
        self.traced["passes"][0].update(
            nodes=[node, {"name": "add", "op": "call_function", "target": "_operator.add",
                          "args": [{"node": "a"}, {"node": "arange"}], "kwargs": {}}],
            placeholders=["a"], output={"node": "add"}, replacement_args=[{"placeholder": 0}])
        plan = match.match_candidate(graph.gm, self.traced)
        self.assertEqual(plan["rewrites"], [])
        self.assertIn("arange: no pattern function gives", plan["first_mismatch"]["what"])

    def test_honest_traces_stand_the_replay(self):
        """Each node is recorded in another way: operators, both sides of them, attributes, methods, keywords, views."""
        forward = ("w = torch.cat([x, 2 - y], dim=-1)[..., 1:, None]\n"
                   "m = torch.sum(w, dim=1, keepdim=True).to(torch.float16, non_blocking=True)\n"
                   "f = torch.nn.functional.layer_norm(x, (3,), None, None, 1e-05)\n"
                   "e = torch.einsum('ij,kj->ik', f, y)\nreturn (m * 2, -e, x.T.contiguous(), 3 < x)")
        pattern = ("w = torch.cat([a, 2 - b], dim=-1)[..., 1:, None]\n"
                   "m = torch.sum(w, dim=1, keepdim=True).to(torch.float16, non_blocking=True)\n"
                   "f = torch.nn.functional.layer_norm(a, (3,), None, None, 1e-05)\n"
                   "e = torch.einsum('ij,kj->ik', f, b)\nreturn m * 2, -e, a.T.contiguous(), 3 < a")
        graph = captured(forward, "x, y", E23, E23)
        plan = plan_for(graph, one_pass(pattern, "a, b"), "normalised")
        self.assertEqual(plan["coverage"], 1.0, plan["passes"])

    def test_malformed_answers_raise(self):
        def damaged(change):
            traced = json.loads(json.dumps(self.traced))
            change(traced["passes"][0])
            return traced

        changes = [
            lambda p: p.pop("nodes"), lambda p: p["nodes"][0].pop("args"), lambda p: p.update(name=3),
            lambda p: p["nodes"][0].update(args=[{"node": "absent"}]), lambda p: p["nodes"][0].update(args=[[1]]),
            lambda p: p["nodes"][0].update(args=[{"dtype": "load"}]), lambda p: p["nodes"][0].update(args=[{"x": 1}]),
            lambda p: p["nodes"][0].update(args=[{"float": "nine"}]), lambda p: p.update(output={"node": "absent"}),
            lambda p: p["nodes"][0].update(kwargs=[]), lambda p: p.update(replacement_args=[{"placeholder": 9}]),
            lambda p: p.update(replacement_args=[{"node": "l_x_"}]), lambda p: p.update(replacement_args=[7]),
            lambda p: p["nodes"][0].update(args=[{"device": "nowhere"}]),
            lambda p: p.update(nodes=p["nodes"] * 6000), lambda p: p["nodes"][0].update(args=[deep(100)]),
        ]
        for number, change in enumerate(changes):
            with self.subTest(number), self.assertRaises(match.MalformedTrace):
                match.match_candidate(self.graph.gm, damaged(change))
        for traced in (None, [], {"passes": 3}, {"passes": [3]}, {"passes": [self.traced["passes"][0]] * 101},
                       {"passes": [self.traced["passes"][0]] * 2}):
            with self.subTest(str(traced)[:20]), self.assertRaises(match.MalformedTrace):
                match.match_candidate(self.graph.gm, traced)

    def test_plan_that_does_not_fit_the_graph(self):
        plan = match.match_candidate(self.graph.gm, self.traced)
        for field, value in [("matched", ["absent"]), ("before", "absent"), ("outputs", ["absent"]),
                             ("args", [{"node": "absent"}]), ("args", [{"placeholder": 0}])]:
            damaged = json.loads(json.dumps(plan))
            damaged["rewrites"][0][field] = value
            with self.subTest(field), self.assertRaises(match.PlanError):
                match.apply_plan(self.graph.gm, damaged, match.leaf_function(lambda *args: None))


def deep(levels: int):
    data = 1
    for _ in range(levels):
        data = {"tuple": [data]}
    return data


class BundledPassTest(unittest.TestCase):
    """The passes of tests/fixtures against the bundled tasks that they were written for."""

    def test_every_graph_of_every_task_is_covered(self):
        fixtures = worker_path.SOURCE / "tests" / "fixtures" / "passes"
        tasks = worker_path.SOURCE / "tasks"
        folders = [folder for folder in sorted(fixtures.iterdir()) if (tasks / folder.name).exists()]
        self.assertGreaterEqual(len(folders), 4)
        for folder in folders:
            files = {path.name: path.read_text() for path in folder.iterdir() if path.suffix in (".py", ".json")}
            traced = trace_files(files)
            self.assertEqual(traced["errors"], [], folder.name)
            task = tasks / folder.name
            for graph in (task / "graph_list.txt").read_text().split():
                with self.subTest(f"{folder.name} {graph}"):
                    self.check_graph(task / graph, traced)

    def check_graph(self, folder: Path, traced: dict) -> None:
        scope: dict = {}
        exec((folder / "weight_meta.py").read_text(), scope)
        metas = {value.name: {"shape": value.shape, "dtype": value.dtype}
                 for value in scope.values() if isinstance(value, type)}
        torch._dynamo.reset()
        source = (folder / "model.py").read_text().replace("cuda:0", "cpu")
        model = capture.load_model(source, f"bundled_{abs(hash(str(folder)))}")
        inputs = capture.dummy_inputs([metas[name] for name in capture.argument_names(model)])
        plan = match.match_candidate(capture.capture(model, inputs).gm, traced)
        self.assertTrue(plan["rewrites"], plan["first_mismatch"])


if __name__ == "__main__":
    unittest.main()
