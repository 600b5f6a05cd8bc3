import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, w_1, w_2, w_3, w_4, w_5, w_6, w_7, w_8, w_9, w_10, w_11, in_0):
        tmp_0 = in_0 * w_0
        tmp_1 = in_0 * w_1
        tmp_2 = in_0 * w_2
        tmp_3 = in_0 * w_3
        tmp_4 = in_0 * w_4
        tmp_5 = in_0 * w_5
        tmp_6 = in_0 * w_6
        tmp_7 = in_0 * w_7
        tmp_8 = in_0 * w_8
        tmp_9 = in_0 * w_9
        tmp_10 = in_0 * w_10
        tmp_11 = in_0 * w_11
        sum_1 = tmp_0 + tmp_1
        sum_2 = sum_1 + tmp_2
        sum_3 = sum_2 + tmp_3
        sum_4 = sum_3 + tmp_4
        sum_5 = sum_4 + tmp_5
        sum_6 = sum_5 + tmp_6
        sum_7 = sum_6 + tmp_7
        sum_8 = sum_7 + tmp_8
        sum_9 = sum_8 + tmp_9
        sum_10 = sum_9 + tmp_10
        sum_11 = sum_10 + tmp_11
        return (sum_11,)
