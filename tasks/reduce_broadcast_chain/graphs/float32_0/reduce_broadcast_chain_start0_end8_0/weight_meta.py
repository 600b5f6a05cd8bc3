class Program_weight_tensor_meta_activations:
	name = "in_0"
	original_name = "activations"
	shape = [128, 768]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
