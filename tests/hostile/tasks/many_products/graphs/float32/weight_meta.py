class Program_weight_tensor_meta_w_0:
    name = "w_0"
    original_name = "w_0"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_1:
    name = "w_1"
    original_name = "w_1"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_2:
    name = "w_2"
    original_name = "w_2"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_3:
    name = "w_3"
    original_name = "w_3"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_4:
    name = "w_4"
    original_name = "w_4"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_5:
    name = "w_5"
    original_name = "w_5"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_6:
    name = "w_6"
    original_name = "w_6"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_7:
    name = "w_7"
    original_name = "w_7"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_8:
    name = "w_8"
    original_name = "w_8"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_9:
    name = "w_9"
    original_name = "w_9"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_10:
    name = "w_10"
    original_name = "w_10"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_w_11:
    name = "w_11"
    original_name = "w_11"
    shape = [16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000


class Program_weight_tensor_meta_in_0:
    name = "in_0"
    original_name = "in_0"
    shape = [16, 16]
    dtype = "torch.float32"
    device = "cuda:0"
    mean = 0.000
    std = 1.000
