import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0):
        chunk = in_0.chunk(2, dim = -1);  in_0 = None
        tmp_0 = chunk[0]
        tmp_1 = chunk[1];  chunk = None
        tmp_2 = torch.nn.functional.silu(tmp_0, False);  tmp_0 = None
        tmp_3 = tmp_2 * tmp_1;  tmp_2 = tmp_1 = None
        return (tmp_3,)
