# row: honest
# task: dropout_alias
# tries: eval dropout: eager returns its input, and so does the pass
# expect: OK | TRIVIAL
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
