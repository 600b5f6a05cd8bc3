class Program_weight_tensor_meta_scores:
	name = "in_0"
	original_name = "scores"
	shape = [1, 12, 64, 64]
	dtype = "torch.float32"
	device = "cuda:0"
	mean = 0.000
	std = 40.000


class Program_weight_tensor_meta_padding_mask:
	name = "in_1"
	original_name = "padding_mask"
	shape = [1, 1, 64, 64]
	dtype = "torch.bool"
	device = "cuda:0"
	mean = None
	std = None
