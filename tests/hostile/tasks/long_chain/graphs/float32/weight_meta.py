class Program_weight_tensor_meta_w_0:
    name = "w_0"
    original_name = "w_0"
    shape = [256]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000


class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [96, 256]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000
