"""passnet_worker.matcher: the same matches as torch's own class, in a bounded number of steps."""

import operator
import random
import unittest

import worker_path  # noqa: F401  (before torch)

import torch
import torch.fx
from torch.fx.passes.utils.matcher_utils import SubgraphMatcher

from children import captured, one_pass, plan_for
from passnet_worker import matcher

E23 = torch.empty(2, 3)
FUNCTIONS = [(torch.sin, 1), (torch.cos, 1), (operator.add, 2), (operator.mul, 2)]


def random_graph(draw: random.Random, inputs: int, operations: int, returned: int) -> torch.fx.Graph:
    """Every operation is used or returned: a pattern may hold no dead code."""
    graph = torch.fx.Graph()
    nodes = [graph.placeholder(f"p{number}") for number in range(inputs)]
    for _ in range(operations):
        function, arity = draw.choice(FUNCTIONS)
        nodes.append(graph.call_function(function, tuple(draw.choice(nodes) for _ in range(arity))))
    unused = [node for node in nodes if not node.users]
    others = [node for node in nodes if node.op != "placeholder" and node.users]
    graph.output(tuple(unused + draw.sample(others, min(len(others), max(0, returned - len(unused))))))
    return graph


def usable(pattern: torch.fx.Graph) -> bool:
    returned = next(iter(reversed(pattern.nodes))).args[0]
    return bool(returned) and all(node.op != "placeholder" for node in returned)


def torchs(pattern: torch.fx.Graph, graph: torch.fx.Graph) -> list[dict]:
    try:
        return [found.nodes_map for found in SubgraphMatcher(pattern, remove_overlapping_matches=True).match(graph)]
    except KeyError:
        return []  # it trips over a returned node without any counterpart


class SameMatchesTest(unittest.TestCase):
    def test_random_patterns_in_random_graphs(self):
        draw = random.Random(7)
        matched = several = 0
        for number in range(5000):
            graph = random_graph(draw, 3, draw.randint(4, 14), 3)
            pattern = random_graph(draw, draw.randint(1, 3), draw.randint(1, 4), draw.randint(1, 3))
            if not usable(pattern):
                continue
            theirs = torchs(pattern, graph)
            ours = [found.nodes_map for found in matcher.find_matches(pattern, graph, matcher.Budget())]
            self.assertEqual(ours, theirs, f"case {number}:\n{pattern}\nin\n{graph}")
            matched += bool(theirs)
            several += len(theirs) > 1
        self.assertGreater(matched, 300)
        self.assertGreater(several, 50)

    def test_patterns_cut_out_of_the_graph_itself(self):
        draw = random.Random(8)
        for number in range(300):
            graph = random_graph(draw, 2, draw.randint(3, 6), 3)
            pattern = torch.fx.Graph()
            pattern.output(pattern.graph_copy(graph, {}))
            theirs = torchs(pattern, graph) if usable(pattern) else []
            if theirs:
                ours = [found.nodes_map for found in matcher.find_matches(pattern, graph, matcher.Budget())]
                self.assertEqual(ours, theirs, f"case {number}:\n{pattern}")


def many(count: int, body: str) -> tuple[str, str]:
    """A pattern body that returns `count` values, and its arguments."""
    names = ", ".join(f"a{number}" for number in range(count))
    lines = [f"r{number} = {body.replace('A', f'a{number}')}" for number in range(count)]
    return "\n".join([*lines, "return " + ", ".join(f"r{number}" for number in range(count))]), names


def plan_of(graph: str, count: int, body: str) -> dict:
    pattern, names = many(count, body)
    return plan_for(captured(graph, "x, y", E23, E23), one_pass(pattern, names))


class BoundedTest(unittest.TestCase):
    """A pattern of eleven values that can change places once had the matcher walk all their orders until its time was
    over, which ended as our failure instead of a miss."""

    def test_eleven_interchangeable_values_that_leak(self):
        graph = "parts = [torch.sigmoid(torch.sin(x + i)) for i in range(11)]\n" \
            "return (sum(parts[1:], parts[0]) * torch.sin(x + 3),)"
        self.assertTrue(plan_of(graph, 11, "torch.sigmoid(torch.sin(A))")["rewrites"])
        leaky = "inner = [torch.sin(x + i) for i in range(11)]\n" + graph.replace(
            "torch.sigmoid(torch.sin(x + i))", "torch.sigmoid(inner[i]) * inner[i]")
        plan = plan_of(leaky, 11, "torch.sigmoid(torch.sin(A))")
        self.assertEqual(plan["rewrites"], [])
        self.assertIn("also used by", plan["first_mismatch"]["what"])

    def test_eleven_interchangeable_values_in_a_chain(self):
        """Each is computed from the one before: no set of eleven can be one call."""
        graph = "for i in range(11):\n    x = torch.sin(x) + y\nreturn (x,)"
        plan = plan_of(graph, 11, "torch.sin(A)")
        self.assertEqual(plan["rewrites"], [])

    def test_too_many_choices_are_given_up_and_named(self):
        graph = "for i in range(40):\n    x = torch.sin(x) + y\nreturn (x,)"
        plan = plan_of(graph, 11, "torch.sin(A)")
        self.assertEqual(plan["rewrites"], [])
        self.assertEqual(plan["first_mismatch"]["pass"], "One")
        self.assertIn("given up after 1000000 steps", plan["first_mismatch"]["what"])
        self.assertIn("returns 11 values", plan["passes"][0]["reason"])

    def test_the_budget_is_for_all_passes_together(self):
        graph = captured("for i in range(40):\n    x = torch.sin(x) + y\nreturn (x,)", "x, y", E23, E23)
        pattern, names = many(11, "torch.sin(A)")
        files = one_pass(pattern, names)
        files["Two.py"] = ("from pass_dir.One import fused\n\ndef pattern(a, b):\n    return a + b\n\n"
                           "def replacement_args(a, b):\n    return (a, b)\n\ndef replacement_func():\n    return fused\n")
        files["sorted_output_pass_rule_names.json"] = '["One", "Two"]'
        reasons = [item["reason"] for item in plan_for(graph, files)["passes"]]
        self.assertIn("returns 11 values", reasons[0])
        self.assertIn("for all passes", reasons[1])


if __name__ == "__main__":
    unittest.main()
