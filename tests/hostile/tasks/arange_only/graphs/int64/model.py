import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0):
        tmp_0 = torch.arange(0, 128)
        tmp_1 = tmp_0 + 2;  tmp_0 = None
        return (tmp_1,)
