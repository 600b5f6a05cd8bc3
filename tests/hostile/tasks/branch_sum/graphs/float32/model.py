import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, in_0, in_1, in_2):
        tmp_0 = torch.softmax(w_0, 0)
        tmp_1 = tmp_0[0]
        tmp_2 = tmp_1 * in_0;  tmp_1 = None
        tmp_3 = tmp_0[1]
        tmp_4 = tmp_3 * in_1;  tmp_3 = None
        tmp_5 = tmp_2 + tmp_4;  tmp_2 = tmp_4 = None
        tmp_6 = tmp_0[2];  tmp_0 = None
        tmp_7 = tmp_6 * in_2;  tmp_6 = None
        tmp_8 = tmp_5 + tmp_7;  tmp_5 = tmp_7 = None
        return (tmp_8,)
