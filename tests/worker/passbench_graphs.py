"""Checks over real PassBench graphs that the short and the long test share."""

import json

from children import captured as captured_body
from children import in_child, trace_files

import passbench_data
import torch
from passnet_worker import capture, match, trace


# Dynamo's first capture in a process costs seconds: paid here once, not in every child.
captured_body("return (x + 1,)", "x", torch.empty(2))


def capture_graph(task: str, path: str, number: int) -> tuple[passbench_data.Graph, capture.Captured]:
    graph = passbench_data.load(task, path)
    torch._dynamo.reset()
    model = capture.load_model(graph.source, f"passbench_{number}")
    inputs = capture.dummy_inputs([graph.metas[name] for name in capture.argument_names(model)])
    return graph, capture.capture(model, inputs)


def outputs_of_whole_graph_match(task: str, path: str, number: int) -> int:
    """Takes the whole graph as a pattern: how many outputs the match has, 0 without one. Works in a child, as graphs
    hold much memory."""

    def work() -> int:
        graph, captured = capture_graph(task, path, number)
        name = f"Whole{number}"
        traced = trace_files({f"{name}.py": passbench_data.as_pattern(graph.source),
                              trace.RULE_LIST: json.dumps([name])})
        plan = match.match_candidate(captured.gm, traced)
        if not plan["rewrites"]:
            return 0
        match.apply_plan(captured.gm, plan, match.leaf_function(lambda *args: None))
        return len(plan["rewrites"][0]["outputs"])

    return in_child(work)
