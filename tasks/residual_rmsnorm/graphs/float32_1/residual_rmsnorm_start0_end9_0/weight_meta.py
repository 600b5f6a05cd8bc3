class Program_weight_tensor_meta_L_self_modules_input_layernorm_parameters_weight_:
	name = "w_0"
	original_name = "L_self_modules_input_layernorm_parameters_weight_"
	shape = [1024]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 1.000
	std = 0.500


class Program_weight_tensor_meta_hidden_states:
	name = "in_0"
	original_name = "hidden_states"
	shape = [2, 256, 1024]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 5.000


class Program_weight_tensor_meta_residual:
	name = "in_1"
	original_name = "residual"
	shape = [2, 256, 1024]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
