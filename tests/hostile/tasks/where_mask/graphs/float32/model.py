import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0, in_1):
        tmp_0 = in_0 & in_1
        tmp_1 = tmp_0.to(torch.float32);  tmp_0 = None
        tmp_2 = torch.nn.functional.gelu(tmp_1);  tmp_1 = None
        return (tmp_2,)
