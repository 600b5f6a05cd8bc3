import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0):
        tmp_0 = in_0 * 2.0
        tmp_1 = tmp_0.expand(512, 2048);  tmp_0 = None
        tmp_2 = tmp_1.contiguous();  tmp_1 = None
        return (tmp_2,)
