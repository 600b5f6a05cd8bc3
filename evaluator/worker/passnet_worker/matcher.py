"""torch.fx's subgraph matcher with upstream's settings, made fast enough for long graphs and bounded for hostile ones;
what it finds is the same.

Threads: pure functions. Errors: RecursionError on patterns deeper than the recursion limit, OutOfSteps.
"""

import copy
from typing import Any

import torch.fx
from torch.fx.passes.utils.fuser_utils import validate_partition
from torch.fx.passes.utils.matcher_utils import InternalMatch, SubgraphMatcher

# Comparisons of one pattern node with one graph node, for all passes of a candidate on one graph. The longest honest
# pass seen needs 20,000; a million takes about 2 s.
MAX_STEPS = 1_000_000
MAX_INTERCHANGEABLE = 64  # more returned values than this are not looked at for being alike


class OutOfSteps(Exception):
    """The budget is used up."""


class Budget:
    """Steps left for one candidate on one graph: counted, not timed, so that a verdict does not depend on the load."""

    def __init__(self, steps: int = MAX_STEPS):
        self.left = steps

    def take(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise OutOfSteps


def _heights(graph: torch.fx.Graph) -> dict[torch.fx.Node, int]:
    """For every node the longest chain of operations that ends in it."""
    heights: dict[torch.fx.Node, int] = {}
    for node in graph.nodes:
        below = max((heights[source] for source in node.all_input_nodes), default=0)
        heights[node] = below + (node.op != "placeholder")
    return heights


class _Matcher(SubgraphMatcher):
    """Upstream's matcher without its three costs. On long graphs: it starts only where the graph is as deep as the
    pattern (a pattern's operations all need a counterpart), and it neither copies the mapping nor searches it at every
    node (a failure anywhere fails the whole attempt). With several returned values: a value inside the pattern must
    have as many users in the graph as in the pattern (else it leaks, and the finished match would be thrown away), what
    earlier matches hold is not tried again (they would overlap), and of returned values that can change places only one
    order is tried (the others hold the same nodes)."""

    def __init__(self, pattern: torch.fx.Graph, graph: torch.fx.Graph, budget: Budget, **settings: bool):
        super().__init__(pattern, **settings)
        self.heights = _heights(pattern) | _heights(graph)
        self.graph = graph
        self.budget = budget
        self.returning = set(self.pattern_returning_nodes)
        self.held: set[torch.fx.Node] = set()  # the operations of the matches found so far
        self.found: list[InternalMatch] = []

    def _nodes_are_equal(self, pn: torch.fx.Node, gn: torch.fx.Node, node_name_match: str = "") -> bool:
        if pn.op != "placeholder":
            if gn in self.held or (pn not in self.returning and len(pn.users) != len(gn.users)):
                return False
        return self.heights[pn] <= self.heights[gn] and super()._nodes_are_equal(pn, gn, node_name_match)

    def _match_nodes(self, pn: torch.fx.Node, gn: torch.fx.Node, match: Any, node_name_match: str = "") -> bool:
        self.budget.take()
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

    def match(self, graph: torch.fx.Graph, node_name_match: str = "") -> list[InternalMatch]:
        """Matches in upstream's order: by the place of the first returned value's counterpart, then the second's, …;
        of overlapping ones the first."""
        nodes = list(graph.nodes)
        places = []
        for anchor in self.pattern_anchors:
            self.budget.take(len(nodes) // 8)
            # What does not line up alone does not line up beside others either.
            places.append([position for position, node in enumerate(nodes) if self._nodes_are_equal(anchor, node)
                           and self._match_nodes(anchor, node, InternalMatch(anchors=self.pattern_anchors))])
        if places and all(places):
            self._search(nodes, places, self._earlier_twins(), [], InternalMatch(anchors=self.pattern_anchors))
        return self.found

    def _search(self, nodes: list[torch.fx.Node], places: list[list[int]], twins: list[int | None], chosen: list[int],
                match: InternalMatch) -> bool:
        """Tries every place for the next anchor. True when a match was found: all others that begin with the same
        places would overlap with it."""
        number = len(chosen)
        if number == len(places):
            return self._keep(match)
        twin = twins[number]
        after = chosen[twin] if twin is not None else -1
        for place in places[number]:
            self.budget.take(len(match.nodes_map) // 64)  # the copy
            attempt = copy.copy(match)
            if place <= after or not self._match_nodes(self.pattern_anchors[number], nodes[place], attempt):
                continue
            if self._search(nodes, places, twins, [*chosen, place], attempt) and number > 0:
                return True
        return False

    def _keep(self, match: InternalMatch) -> bool:
        operations = [gn for pn, gn in match.nodes_map.items() if pn.op != "placeholder"]
        self.budget.take(len(self.heights) // 8)  # the search for cycles may walk the whole graph
        if not self._is_contained(match.nodes_map) or not validate_partition(operations):
            return False
        match.placeholder_nodes = [match.nodes_map[node] for node in self.pattern_placeholder_nodes]
        match.returning_nodes = [match.nodes_map[node] for node in self.pattern_returning_nodes]
        self.found.append(match)
        self.held.update(operations)
        return True

    def _earlier_twins(self) -> list[int | None]:
        """For each anchor the last earlier one with which it can change places, all else of the pattern staying."""
        twins: list[int | None] = []
        last_of: dict[int, int] = {}
        for number in range(len(self.pattern_anchors)):
            first = next((first for first in last_of if self._interchangeable(first, number)), None)
            twins.append(None if first is None else last_of[first])
            last_of[number if first is None else first] = number
        return twins

    def _interchangeable(self, first: int, second: int) -> bool:
        anchors = self.pattern_anchors
        if len(anchors) > MAX_INTERCHANGEABLE:
            return False
        swapped = list(anchors)
        swapped[first], swapped[second] = anchors[second], anchors[first]
        itself = InternalMatch(anchors=anchors)
        return all(self._match_nodes(one, other, itself) for one, other in zip(anchors, swapped)) \
            and all(isinstance(other, torch.fx.Node) and one.op == other.op
                    and (one in self.returning) == (other in self.returning) for one, other in itself.nodes_map.items())


def _taken(match: Any) -> set[torch.fx.Node]:
    """The graph's nodes that the match holds; gathered once, since torch's copies of a match drop it."""
    taken = match.__dict__.get("taken")
    if taken is None:
        taken = {node for node in match.nodes_map.values() if isinstance(node, torch.fx.Node)}
        match.taken = taken
    return taken


def find_matches(pattern: torch.fx.Graph, graph: torch.fx.Graph, budget: Budget) -> list[InternalMatch]:
    matcher = _Matcher(pattern, graph, budget, match_output=False, match_placeholder=False,
                       remove_overlapping_matches=True, ignore_literals=False)
    return matcher.match(graph)
