class Program_weight_tensor_meta_L_self_modules_se_modules_fc2_parameters_bias_:
	name = "w_0"
	original_name = "L_self_modules_se_modules_fc2_parameters_bias_"
	shape = [96]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 2.000


class Program_weight_tensor_meta_L_self_modules_se_modules_fc2_parameters_weight_:
	name = "w_1"
	original_name = "L_self_modules_se_modules_fc2_parameters_weight_"
	shape = [96, 24, 1, 1]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 1.500


class Program_weight_tensor_meta_x_se:
	name = "in_0"
	original_name = "x_se"
	shape = [4, 24, 1, 1]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.400
	std = 2.000


class Program_weight_tensor_meta_x:
	name = "in_1"
	original_name = "x"
	shape = [4, 96, 28, 28]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
