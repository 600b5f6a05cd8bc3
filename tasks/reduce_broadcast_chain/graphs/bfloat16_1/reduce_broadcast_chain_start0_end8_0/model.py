import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0):
        tmp_0 = in_0.abs()
        tmp_1 = tmp_0.amax(dim = -1, keepdim = True);  tmp_0 = None
        tmp_2 = tmp_1.clamp(min = 1e-05);  tmp_1 = None
        tmp_3 = tmp_2 / 127.0;  tmp_2 = None
        tmp_4 = in_0 / tmp_3;  in_0 = None
        tmp_5 = tmp_4.round();  tmp_4 = None
        tmp_6 = tmp_5.clamp(-128.0, 127.0);  tmp_5 = None
        tmp_7 = tmp_6 * tmp_3;  tmp_6 = tmp_3 = None
        return (tmp_7,)
