import torch

class GraphModule(torch.nn.Module):

    def forward(self, w_0, w_1, w_2, in_0):
        tmp_0 = in_0 + w_0;  in_0 = w_0 = None
        tmp_1 = torch.nn.functional.gelu(tmp_0);  tmp_0 = None
        tmp_2 = torch.nn.functional.layer_norm(tmp_1, (768,), w_1, w_2, 1e-05);  tmp_1 = w_1 = w_2 = None
        return (tmp_2,)
