# row: honest
# task: norm_mask
# tries: LayerNorm + mask expand + mul, with a helper module of its own and a route string
# expect: OK
import torch

from pass_dir.routes import run_route


def pattern(x, weight, bias, mask):
    normal = torch.nn.functional.layer_norm(x, (256,), weight, bias, 1e-05)
    return normal * mask.unsqueeze(-1).expand(4, 32, 256)


def replacement_args(x, weight, bias, mask):
    return (x, weight, bias, mask, "norm_mask")


def replacement_func():
    return run_route
