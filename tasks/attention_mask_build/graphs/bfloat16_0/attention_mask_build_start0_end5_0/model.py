import torch

class GraphModule(torch.nn.Module):

    def forward(self, in_0, in_1):
        tmp_0 = in_0[(slice(None, None, None), None, None, slice(None, None, None))];  in_0 = None
        tmp_1 = tmp_0 * in_1;  tmp_0 = in_1 = None
        tmp_2 = tmp_1.to(torch.bfloat16);  tmp_1 = None
        tmp_3 = 1.0 - tmp_2;  tmp_2 = None
        tmp_4 = tmp_3 * -3.3895313892515355e+38;  tmp_3 = None
        return (tmp_4,)
