import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, w_1, in_0, in_1):
        tmp_0 = torch.nn.functional.layer_norm(in_0, (256,), w_0, w_1, 1e-05)
        tmp_1 = in_1.unsqueeze(-1)
        tmp_2 = tmp_1.expand(4, 32, 256);  tmp_1 = None
        tmp_3 = tmp_0 * tmp_2;  tmp_0 = tmp_2 = None
        return (tmp_3,)
