class Program_weight_tensor_meta_L_self_modules_dense_parameters_bias_:
	name = "w_0"
	original_name = "L_self_modules_dense_parameters_bias_"
	shape = [768]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 0.500


class Program_weight_tensor_meta_L_self_modules_norm_parameters_weight_:
	name = "w_1"
	original_name = "L_self_modules_norm_parameters_weight_"
	shape = [768]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 1.000
	std = 0.500


class Program_weight_tensor_meta_L_self_modules_norm_parameters_bias_:
	name = "w_2"
	original_name = "L_self_modules_norm_parameters_bias_"
	shape = [768]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 0.500


class Program_weight_tensor_meta_hidden_states:
	name = "in_0"
	original_name = "hidden_states"
	shape = [2, 197, 768]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
