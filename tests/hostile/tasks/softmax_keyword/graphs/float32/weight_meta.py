class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [8, 64, 64]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 5.000
