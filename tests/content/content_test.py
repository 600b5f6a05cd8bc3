"""Bundled tasks, recorded conversations and fixture passes: up to date, and in the form that their readers expect."""

import ast
import hashlib
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PASSES = ROOT / "tests" / "fixtures" / "passes"
sys.path.insert(0, str(ROOT / "evaluator" / "worker"))

from passnet_worker import screen  # noqa: E402


def check(generator):
    command = [sys.executable, str(ROOT / generator), "--check"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def tasks():
    return sorted(path.parent for path in (ROOT / "tasks").glob("*/graph_list.txt"))


def graphs(task):
    return [task / line for line in (task / "graph_list.txt").read_text().splitlines()]


def forward_arguments(graph):
    for node in ast.walk(ast.parse((graph / "model.py").read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == "forward":
            return [argument.arg for argument in node.args.args][1:]
    return None


def pass_folders():
    return sorted(path for path in PASSES.iterdir() if path.is_dir())


class GeneratedTest(unittest.TestCase):
    def test_tasks_are_what_the_generator_writes(self):
        done = check("tasks/generate.py")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_conversations_are_what_the_generator_writes(self):
        done = check("recorded_llm/demo/generate.py")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class TasksTest(unittest.TestCase):
    def test_enough_tasks_with_two_to_six_graphs(self):
        self.assertGreaterEqual(len(tasks()), 10)
        for task in tasks():
            self.assertIn(len(graphs(task)), range(2, 7), task.name)

    def test_every_task_has_fp32_and_bf16_or_fp16_and_two_shapes(self):
        for task in tasks():
            dtypes = {re.match(r"(\w+)_\d", graph.parent.name).group(1) for graph in graphs(task)}
            shapes = {tuple(re.findall(r"shape = (.*)", (graph / "weight_meta.py").read_text()))
                      for graph in graphs(task)}
            self.assertIn("float32", dtypes, task.name)
            self.assertGreaterEqual(len(dtypes), 2, task.name)
            self.assertGreaterEqual(len(shapes), 2, task.name)

    def test_graph_hash_is_the_hash_of_the_model(self):
        for task in tasks():
            for graph in graphs(task):
                model = (graph / "model.py").read_bytes()
                self.assertEqual((graph / "graph_hash.txt").read_text(), hashlib.sha256(model).hexdigest(), graph)

    def test_weight_meta_describes_the_arguments_of_forward(self):
        for task in tasks():
            for graph in graphs(task):
                described = re.findall(r'\tname = "(\w+)"', (graph / "weight_meta.py").read_text())
                self.assertEqual(sorted(described), sorted(forward_arguments(graph)), graph)

    def test_every_task_has_a_pass(self):
        for task in tasks():
            self.assertTrue((PASSES / task.name).is_dir(), task.name)


class PassesTest(unittest.TestCase):
    def test_rule_names_are_files_of_the_folder(self):
        for folder in pass_folders():
            for name in json.loads((folder / "sorted_output_pass_rule_names.json").read_text()):
                self.assertTrue((folder / f"{name}.py").is_file(), f"{folder.name}/{name}")

    def test_the_screen_finds_nothing_in_honest_passes(self):
        for folder in pass_folders():
            files = {place.name: place.read_bytes() for place in folder.iterdir()}
            self.assertEqual(screen.screen(files), [], folder.name)

    def test_four_passes_are_for_real_tasks(self):
        real = [folder for folder in pass_folders() if re.fullmatch(r"[0-9a-f]{64}", folder.name)]
        self.assertGreaterEqual(len(real), 4)


if __name__ == "__main__":
    unittest.main()
