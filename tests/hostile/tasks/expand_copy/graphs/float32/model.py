import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0):
        tmp_0 = in_0.expand(256, 1024)
        tmp_1 = tmp_0.contiguous();  tmp_0 = None
        tmp_2 = tmp_1 + 1.0;  tmp_1 = None
        return (tmp_2,)
