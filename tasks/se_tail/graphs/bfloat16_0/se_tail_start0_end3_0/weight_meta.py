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
	shape = [1, 24, 1, 1]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.400
	std = 2.000
	data = [0.884944, 0.357500, 1.538284, 1.037987, 1.334950, 0.176547, 1.139392, 0.406955, 0.039505, 0.520488, 0.516975, 0.492651, 0.853256, 0.445079, 0.594144, 0.509287, 0.658549, 0.099830, 0.575038, 0.083046, 0.330242, 0.576861, 0.592347, 0.663449]


class Program_weight_tensor_meta_x:
	name = "in_1"
	original_name = "x"
	shape = [1, 96, 28, 28]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
