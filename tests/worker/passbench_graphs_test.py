"""A dozen real graphs: they load and capture, and the whole graph taken as a pattern matches where upstream's would."""

import unittest

import worker_path  # noqa: F401  (before torch)

import passbench_data
from children import plan_for
from passbench_graphs import capture_graph, outputs_of_whole_graph_match
from passnet_worker import capture

# Position among the tasks of INDEX.tsv → outputs of the match; the other tasks hold a node that cannot match.
MATCHES = {0: 1, 1: 1, 5: 1, 8: 2, 9: 1, 11: 1}


class RealGraphTest(unittest.TestCase):
    def setUp(self):
        self.tasks = passbench_data.first_graph_of_each_task()[:12]

    def test_a_dozen_tasks_capture_and_match_as_known(self):
        found = {}
        for number, (task, path) in enumerate(self.tasks):
            outputs = outputs_of_whole_graph_match(task, path, number)
            if outputs:
                found[number] = outputs
        self.assertEqual(found, MATCHES)

    def test_unmatchable_nodes_are_listed_exactly_where_nothing_matches(self):
        for number, (task, path) in enumerate(self.tasks):
            _, captured = capture_graph(task, path, number)
            # A dead factory (torch.rand of task 8) is left out of the pattern by the tracer and does no harm.
            reasons = [entry["why_not"] for entry in capture.describe(captured.gm)
                       if not entry["matchable"] and entry["target"] != "torch.rand"]
            self.assertEqual(bool(reasons), number not in MATCHES, f"{path}: {reasons}")

    def test_fixture_passes_cover_every_graph_of_their_real_tasks(self):
        fixtures = worker_path.SOURCE / "tests" / "fixtures" / "passes"
        checked = 0
        for number, (task, path) in enumerate(passbench_data.graph_paths()):
            folder = fixtures / task.rsplit("/", 1)[-1]
            if not folder.exists():
                continue
            with self.subTest(path):
                files = {item.name: item.read_text() for item in folder.iterdir() if item.suffix in (".py", ".json")}
                _, captured = capture_graph(task, path, 1000 + number)
                plan = plan_for(captured, files)
                self.assertTrue(plan["rewrites"], plan["first_mismatch"])
                checked += 1
        self.assertGreaterEqual(checked, 4)


if __name__ == "__main__":
    unittest.main()
