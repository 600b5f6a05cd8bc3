import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0, in_1):
        tmp_0 = in_1.unsqueeze(-1);  in_1 = None
        tmp_1 = tmp_0.to(torch.float32);  tmp_0 = None
        tmp_2 = in_0 * tmp_1;  in_0 = None
        tmp_3 = tmp_2.sum(1);  tmp_2 = None
        tmp_4 = tmp_1.sum(1);  tmp_1 = None
        tmp_5 = torch.clamp(tmp_4, min = 1e-06);  tmp_4 = None
        tmp_6 = tmp_3 / tmp_5;  tmp_3 = tmp_5 = None
        tmp_7 = tmp_6.norm(p = 2, dim = -1, keepdim = True)
        tmp_8 = tmp_6 / tmp_7;  tmp_6 = tmp_7 = None
        return (tmp_8,)
