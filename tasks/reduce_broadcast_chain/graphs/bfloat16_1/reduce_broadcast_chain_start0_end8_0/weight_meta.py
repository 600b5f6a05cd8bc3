class Program_weight_tensor_meta_activations:
	name = "in_0"
	original_name = "activations"
	shape = [512, 1024]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
