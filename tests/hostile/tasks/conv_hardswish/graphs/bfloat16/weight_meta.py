class Program_weight_tensor_meta_w_0:
    name = "w_0"
    original_name = "w_0"
    shape = [32, 32, 1, 1]
    dtype = "torch.bfloat16"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_1:
    name = "w_1"
    original_name = "w_1"
    shape = [32]
    dtype = "torch.bfloat16"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [2, 32, 6, 6]
    dtype = "torch.bfloat16"
    device = "cuda:0"
    mean = 0.000
    std = 1.000
