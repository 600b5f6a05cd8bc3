# row: permutations
# task: many_products
# tries: eleven interchangeable products and one that never fits: the matcher walks permutations
# expect: MISS | TIMEOUT | CRASH | COMPILE
# slow: yes
# stopped by: matching has a budget, and spending it is the candidate's own doing
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(x, w_0, w_1, w_2, w_3, w_4, w_5, w_6, w_7, w_8, w_9, w_10):
    return (x * w_0, x * w_1, x * w_2, x * w_3, x * w_4, x * w_5, x * w_6, x * w_7, x * w_8, x * w_9,
            x * w_10, w_0 * w_1)


def replacement_args(x, w_0, w_1, w_2, w_3, w_4, w_5, w_6, w_7, w_8, w_9, w_10):
    return (x, w_0, w_1, w_2, w_3, w_4, w_5, w_6, w_7, w_8, w_9, w_10)


@torch.fx.wrap
def fused(x, w_0, w_1, w_2, w_3, w_4, w_5, w_6, w_7, w_8, w_9, w_10):
    return x


def replacement_func():
    return fused
