class Program_weight_tensor_meta_L_kwargs_attention_mask_:
	name = "in_0"
	original_name = "L_kwargs_attention_mask_"
	shape = [2, 256]
	dtype = "torch.int64"
	device = "cuda:0"
	mean = None
	std = None
	min_val = 0
	max_val = 1


class Program_weight_tensor_meta_causal_mask:
	name = "in_1"
	original_name = "causal_mask"
	shape = [1, 1, 256, 256]
	dtype = "torch.int64"
	device = "cuda:0"
	mean = None
	std = None
	min_val = 0
	max_val = 1
