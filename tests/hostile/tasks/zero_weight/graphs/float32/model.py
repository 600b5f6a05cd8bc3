import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, w_1, in_0):
        tmp_0 = torch.nn.functional.gelu(in_0)
        tmp_1 = tmp_0 * w_0;  tmp_0 = None
        tmp_2 = tmp_1 + w_1;  tmp_1 = None
        return (tmp_2,)
