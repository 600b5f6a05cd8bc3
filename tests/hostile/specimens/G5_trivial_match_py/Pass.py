# row: G5
# task: gelu_dropout
# tries: matches the eval dropout alone and returns its input
# expect: OK | TRIVIAL
# earns: 1.2
# stopped by: the rest of the graph is eager's on both sides: nothing is gained
import torch



def pattern(x):
    return torch.nn.functional.dropout(x, 0.1, False, False)


def replacement_args(x):
    return (x,)


@torch.fx.wrap
def fused(x):
    return x


def replacement_func():
    return fused
