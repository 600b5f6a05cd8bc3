"""torch.fx's subgraph matcher with upstream's settings, made fast enough for long graphs; what it finds is the same.

Threads: pure functions. Errors: RecursionError on patterns deeper than the recursion limit.
"""

from typing import Any

import torch.fx
from torch.fx.passes.utils.matcher_utils import SubgraphMatcher


def _heights(graph: torch.fx.Graph) -> dict[torch.fx.Node, int]:
    """For every node the longest chain of operations that ends in it."""
    heights: dict[torch.fx.Node, int] = {}
    for node in graph.nodes:
        below = max((heights[source] for source in node.all_input_nodes), default=0)
        heights[node] = below + (node.op != "placeholder")
    return heights


class _Matcher(SubgraphMatcher):
    """Upstream's matcher without its two costs on long graphs: it starts only where the graph is as deep as the pattern
    (a pattern's operations all need a counterpart), and it neither copies the mapping nor searches it at every node (a
    failure anywhere fails the whole attempt, so there is nothing to go back to)."""

    def __init__(self, pattern: torch.fx.Graph, graph: torch.fx.Graph, **settings: bool):
        super().__init__(pattern, **settings)
        self.heights = _heights(pattern) | _heights(graph)

    def _nodes_are_equal(self, pn: torch.fx.Node, gn: torch.fx.Node, node_name_match: str = "") -> bool:
        return self.heights[pn] <= self.heights[gn] and super()._nodes_are_equal(pn, gn, node_name_match)

    def _match_nodes(self, pn: torch.fx.Node, gn: torch.fx.Node, match: Any, node_name_match: str = "") -> bool:
        if pn in match.nodes_map:
            return match.nodes_map[pn] == gn
        taken = _taken(match)
        if gn in taken or not self._nodes_are_equal(pn, gn):
            return False
        match.nodes_map[pn] = gn
        taken.add(gn)
        if pn.op == "placeholder":
            return True
        same_form = len(pn.args) == len(gn.args) and list(pn.kwargs) == list(gn.kwargs)
        return same_form and self._match_values([*pn.args, *pn.kwargs.values()], [*gn.args, *gn.kwargs.values()], match)

    def _match_values(self, ours: Any, theirs: Any, match: Any) -> bool:
        if len(ours) != len(theirs):
            return False
        for one, other in zip(ours, theirs):
            if isinstance(one, torch.fx.Node) and isinstance(other, torch.fx.Node):
                matched = self._match_nodes(one, other, match)
            elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
                matched = self._match_values(one, other, match)
            else:
                matched = self._match_literals(one, other, match)
            if not matched:
                return False
        return True


def _taken(match: Any) -> set[torch.fx.Node]:
    """The graph's nodes that the match holds; gathered once, since torch's copies of a match drop it."""
    taken = match.__dict__.get("taken")
    if taken is None:
        taken = {node for node in match.nodes_map.values() if isinstance(node, torch.fx.Node)}
        match.taken = taken
    return taken


def find_matches(pattern: torch.fx.Graph, graph: torch.fx.Graph) -> list:
    matcher = _Matcher(pattern, graph, match_output=False, match_placeholder=False, remove_overlapping_matches=True,
                       ignore_literals=False)
    try:
        return matcher.match(graph)
    except KeyError:
        return []  # torch's matcher trips over a returned node without any counterpart
