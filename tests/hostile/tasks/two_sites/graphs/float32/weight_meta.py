class Program_weight_tensor_meta_w_0:
    name = "w_0"
    original_name = "w_0"
    shape = [512]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 1.000
    std = 0.500


class Program_weight_tensor_meta_w_1:
    name = "w_1"
    original_name = "w_1"
    shape = [512]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 0.500


class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [64, 512]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000
