class Program_weight_tensor_meta_L_self_modules_q_norm_parameters_weight_:
	name = "w_0"
	original_name = "L_self_modules_q_norm_parameters_weight_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 1.000
	std = 0.500


class Program_weight_tensor_meta_L_self_modules_k_norm_parameters_weight_:
	name = "w_1"
	original_name = "L_self_modules_k_norm_parameters_weight_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 1.000
	std = 0.500


class Program_weight_tensor_meta_query_states:
	name = "in_0"
	original_name = "query_states"
	shape = [1, 64, 12, 64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000


class Program_weight_tensor_meta_key_states:
	name = "in_1"
	original_name = "key_states"
	shape = [1, 64, 4, 64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
