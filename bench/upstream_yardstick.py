"""What PassNet's harness does for one graph, as a yardstick: a fresh process imports torch, captures the graph with a
Dynamo backend, calls the compiled side 25 + 100 + 1 times and then the eager side likewise, torch.manual_seed(1024)
inside the timed window, medians of the host clock. Written from the protocol's description; eager against itself.

Usage: upstream_yardstick.py GRAPH_FOLDER [cpu|cuda]; prints the speed-up. On a GPU each call is waited for inside the window.
"""

import re
import statistics
import sys
import time


def inputs_of(folder, device, torch):
    text = open(f"{folder}/weight_meta.py", encoding="utf-8").read()
    shapes = [eval(shape) for shape in re.findall(r"shape = (\[.*?\])", text)]
    return [torch.randn(shape, device=device) for shape in shapes]


def median_of(call, device, torch):
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    times = []
    for trial in range(125):
        wait()
        started = time.time()
        torch.manual_seed(1024)
        call()
        wait()
        if trial >= 25:
            times.append(time.time() - started)
    call()
    return statistics.median(times)


def main():
    import torch

    folder = sys.argv[1]
    device = sys.argv[2] if len(sys.argv) > 2 else "cpu"
    scope = {}
    exec(open(f"{folder}/model.py", encoding="utf-8").read(), scope)
    model = scope["GraphModule"]()
    inputs = inputs_of(folder, device, torch)
    named = dict(zip(("in_0", "in_1"), inputs))
    compiled = torch.compile(model, backend=lambda gm, example: gm.forward)
    ours = median_of(lambda: compiled(**named), device, torch)
    eager = median_of(lambda: model(*inputs), device, torch)
    torch.allclose(model(*inputs)[0], compiled(**named)[0])
    print(eager / ours)


main()
