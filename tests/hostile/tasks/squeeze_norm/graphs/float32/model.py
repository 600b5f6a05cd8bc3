import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, in_0):
        tmp_0 = in_0.squeeze(1)
        tmp_1 = tmp_0 * w_0;  tmp_0 = None
        tmp_2 = torch.nn.functional.silu(tmp_1, False);  tmp_1 = None
        return (tmp_2,)
