class Program_weight_tensor_meta_L_self_modules_bn_buffers_running_mean_:
	name = "w_0"
	original_name = "L_self_modules_bn_buffers_running_mean_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 1.000


class Program_weight_tensor_meta_L_self_modules_bn_buffers_running_var_:
	name = "w_1"
	original_name = "L_self_modules_bn_buffers_running_var_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 1.000
	std = 0.800
	min_val = 0


class Program_weight_tensor_meta_L_self_modules_bn_parameters_bias_:
	name = "w_2"
	original_name = "L_self_modules_bn_parameters_bias_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 1.000


class Program_weight_tensor_meta_L_self_modules_bn_parameters_weight_:
	name = "w_3"
	original_name = "L_self_modules_bn_parameters_weight_"
	shape = [64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 1.000
	std = 0.800


class Program_weight_tensor_meta_x:
	name = "in_0"
	original_name = "x"
	shape = [1, 64, 28, 28]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
