"""Every PassBench graph at hand loads and captures, none depends on the generator, and the whole-graph patterns match
as often as upstream's do (16 of the 35 tasks, 10 of them with one output)."""

import unittest

import worker_path  # noqa: F401  (before torch)

import passbench_data
from passbench_graphs import capture_graph, outputs_of_whole_graph_match
from passnet_worker import capture, encoding


class EveryGraphTest(unittest.TestCase):
    def test_all_capture_and_target_names_are_unambiguous(self):
        paths = passbench_data.graph_paths()
        self.assertEqual(len(paths), 188)
        names = {}
        for number, (task, path) in enumerate(paths):
            with self.subTest(path):
                _, captured = capture_graph(task, path, number)
                self.assertIsNone(captured.outputs)
                self.assertFalse(capture.uses_randomness(captured.gm))
                for node in captured.gm.graph.nodes:
                    if node.op == "call_function":
                        known = names.setdefault(encoding.qualified_name(node.target), node.target)
                        self.assertIs(known, node.target)

    def test_whole_graph_patterns_match_as_often_as_upstream(self):
        outputs = [outputs_of_whole_graph_match(task, path, number)
                   for number, (task, path) in enumerate(passbench_data.first_graph_of_each_task())]
        self.assertEqual(len(outputs), 35)
        self.assertEqual(sum(1 for count in outputs if count), 16)
        self.assertEqual(sum(1 for count in outputs if count == 1), 10)


if __name__ == "__main__":
    unittest.main()
