class Program_weight_tensor_meta_token_embeddings:
	name = "in_0"
	original_name = "token_embeddings"
	shape = [8, 128, 384]
	dtype = "torch.bfloat16"
	device = "cuda:0"
	mean = 0.200
	std = 5.000


class Program_weight_tensor_meta_L_kwargs_attention_mask_:
	name = "in_1"
	original_name = "L_kwargs_attention_mask_"
	shape = [8, 128]
	dtype = "torch.int64"
	device = "cuda:0"
	mean = None
	std = None
	min_val = 0
	max_val = 1
