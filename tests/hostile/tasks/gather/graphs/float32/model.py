import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, in_0):
        tmp_0 = w_0[in_0]
        tmp_1 = tmp_0.permute(2, 0, 1);  tmp_0 = None
        tmp_2 = tmp_1.contiguous();  tmp_1 = None
        return (tmp_2,)
