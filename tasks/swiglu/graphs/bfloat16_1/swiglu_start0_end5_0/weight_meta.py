class Program_weight_tensor_meta_gate_up:
	name = "in_0"
	original_name = "gate_up"
	shape = [2, 128, 2816]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.000
	std = 5.000
