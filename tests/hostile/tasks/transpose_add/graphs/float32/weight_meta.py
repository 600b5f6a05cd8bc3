class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [8, 64, 48]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000


class Program_weight_tensor_meta_in_1:
    name = "in_1"
    original_name = "in_1"
    shape = [8, 48, 64]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000
