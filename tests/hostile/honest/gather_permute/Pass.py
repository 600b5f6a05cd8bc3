# row: honest
# task: gather
# tries: embedding gather + permute; as_tensor on its arguments
# expect: OK
import torch
import passnet_kernels

_k = passnet_kernels.load("kernel")


def pattern(table, index):
    return table[index].permute(2, 0, 1).contiguous()


def replacement_args(table, index):
    return (table, index)


@torch.fx.wrap
def fused(table, index):
    rows = torch.as_tensor(index)
    out = torch.empty((table.shape[1], rows.shape[0], rows.shape[1]), dtype=table.dtype)
    _k.fused((torch.as_tensor(table), rows), (out,), ())
    return out


def replacement_func():
    return fused
