class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [4, 128]
    dtype = "torch.int64"
    device = "cuda:0"
    mean = 0.000
    std = 1.000
    min_val = 0
    max_val = 1
