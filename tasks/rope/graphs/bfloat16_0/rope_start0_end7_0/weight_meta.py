class Program_weight_tensor_meta_query_states:
	name = "in_0"
	original_name = "query_states"
	shape = [1, 8, 128, 64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000


class Program_weight_tensor_meta_cos:
	name = "in_1"
	original_name = "cos"
	shape = [1, 1, 128, 64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.400
	std = 3.000


class Program_weight_tensor_meta_sin:
	name = "in_2"
	original_name = "sin"
	shape = [1, 1, 128, 64]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.300
	std = 3.000
