"""What PassNet's harness does for one graph, as a yardstick: a fresh process imports torch, captures the graph with a
Dynamo backend, calls the compiled side 25 + 100 + 1 times and then the eager side likewise, torch.manual_seed(1024)
inside the timed window, medians of the host clock. Written from the protocol's description; eager against itself.

Usage: upstream_yardstick.py GRAPH_FOLDER; prints the speed-up.
"""

import re
import statistics
import sys
import time


def inputs_of(folder, torch):
    text = open(f"{folder}/weight_meta.py", encoding="utf-8").read()
    shapes = [eval(shape) for shape in re.findall(r"shape = (\[.*?\])", text)]
    return [torch.randn(shape) for shape in shapes]


def median_of(call, torch):
    times = []
    for trial in range(125):
        started = time.time()
        torch.manual_seed(1024)
        call()
        if trial >= 25:
            times.append(time.time() - started)
    call()
    return statistics.median(times)


def main():
    import torch

    folder = sys.argv[1]
    scope = {}
    exec(open(f"{folder}/model.py", encoding="utf-8").read(), scope)
    model = scope["GraphModule"]()
    inputs = inputs_of(folder, torch)
    named = dict(zip(("in_0", "in_1"), inputs))
    compiled = torch.compile(model, backend=lambda gm, example: gm.forward)
    ours = median_of(lambda: compiled(**named), torch)
    eager = median_of(lambda: model(*inputs), torch)
    torch.allclose(model(*inputs)[0], compiled(**named)[0])
    print(eager / ours)


main()
