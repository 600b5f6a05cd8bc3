import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, w_1, in_0, in_1):
        tmp_0 = in_0.to(torch.float32);  in_0 = None
        tmp_1 = tmp_0.pow(2)
        tmp_2 = tmp_1.mean(-1, keepdim = True);  tmp_1 = None
        tmp_3 = tmp_2 + 1e-06;  tmp_2 = None
        tmp_4 = torch.rsqrt(tmp_3);  tmp_3 = None
        tmp_5 = tmp_0 * tmp_4;  tmp_0 = tmp_4 = None
        tmp_6 = tmp_5.to(torch.float32);  tmp_5 = None
        tmp_7 = w_0 * tmp_6;  w_0 = tmp_6 = None
        tmp_8 = in_1.to(torch.float32);  in_1 = None
        tmp_9 = tmp_8.pow(2)
        tmp_10 = tmp_9.mean(-1, keepdim = True);  tmp_9 = None
        tmp_11 = tmp_10 + 1e-06;  tmp_10 = None
        tmp_12 = torch.rsqrt(tmp_11);  tmp_11 = None
        tmp_13 = tmp_8 * tmp_12;  tmp_8 = tmp_12 = None
        tmp_14 = tmp_13.to(torch.float32);  tmp_13 = None
        tmp_15 = w_1 * tmp_14;  w_1 = tmp_14 = None
        return (tmp_15, tmp_7)
