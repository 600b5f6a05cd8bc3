class Program_weight_tensor_meta_L_self_parameters_layer_scale_:
	name = "w_0"
	original_name = "L_self_parameters_layer_scale_"
	shape = [64, 1, 1]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.500
	std = 1.000


class Program_weight_tensor_meta_shortcut:
	name = "in_0"
	original_name = "shortcut"
	shape = [1, 64, 28, 28]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 5.000


class Program_weight_tensor_meta_branch:
	name = "in_1"
	original_name = "branch"
	shape = [1, 64, 28, 28]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
