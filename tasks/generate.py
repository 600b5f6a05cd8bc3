#!/usr/bin/env python3
"""Writes the bundled tasks in PassBench's own layout, or checks that what is in the tree is what it would write.

    python3 tasks/generate.py           writes tasks/<name>/…
    python3 tasks/generate.py --check   exit status 1 and a line a difference when a file is missing, stale or foreign

A task is a graph over variants: one dtype and one set of shapes each. The graphs are texts of this project in the
style of PassBench's (straight-line torch calls, `tmp = None` where a value dies). Two rules keep every node within
reach of the upstream matcher, which compares Dynamo's graph as recorded with a pattern whose call_function arguments
were bound to their signatures: Python-signature functions get all their arguments positionally, and `x += y` is
written as a method call.
Statistics follow PassBench: a float input is drawn as randn * std * 0.2 + mean, so std = 5 gives unit variance;
tensors of fewer than 64 elements carry their values, integer tensors their range. Everything here is deterministic
(the literal values come from a generator seeded with the tensor's name) and needs no torch.
"""
import argparse
import hashlib
import json
import pathlib
import random
import sys

TASKS_DIR = pathlib.Path(__file__).resolve().parent
LOWEST = {"float32": "-3.4028234663852886e+38", "bfloat16": "-3.3895313892515355e+38", "float16": "-65504.0"}


class Tensor:
    """One forward argument: how it is named, shaped and drawn."""

    def __init__(self, name, original_name, shape, dtype="float", mean=0.0, std=5.0, low=None, high=None):
        self.name, self.original_name, self.shape, self.dtype = name, original_name, list(shape), dtype
        self.mean, self.std, self.low, self.high = mean, std, low, high

    def elements(self):
        count = 1
        for size in self.shape:
            count *= size
        return count

    def meta(self, dtype):
        real = self.dtype == "float"
        lines = [
            f"class Program_weight_tensor_meta_{self.original_name}:",
            f'\tname = "{self.name}"',
            f'\toriginal_name = "{self.original_name}"',
            f"\tshape = {self.shape}",
            f'\tdtype = "torch.{dtype if real else self.dtype}"',
            '\tdevice = "cuda:0"',
            f"\tmean = {self.mean:.3f}" if real else "\tmean = None",
            f"\tstd = {self.std:.3f}" if real else "\tstd = None",
        ]
        if self.elements() < 64 and self.dtype != "bool":
            lines.append(f"\tdata = [{', '.join(self.values())}]")
        elif self.low is not None:
            lines.append(f"\tmin_val = {self.low}")
            if self.high is not None:
                lines.append(f"\tmax_val = {self.high}")
        return "\n".join(lines) + "\n"

    def values(self):
        source = random.Random(self.original_name)
        if self.dtype == "float":
            draws = (source.gauss(self.mean, self.std * 0.2) for _ in range(self.elements()))
            return [f"{max(draw, self.low) if self.low is not None else draw:.6f}" for draw in draws]
        return [str(source.randint(self.low, self.high)) for _ in range(self.elements())]


class Task:
    """A graph text with its variants; `graph(dtype, shape)` gives the body and the tensors of one of them."""

    def __init__(self, name, tag, graph, variants):
        self.name, self.tag, self.graph, self.variants = name, tag, graph, variants


def bias_gelu_layernorm(dtype, shape):
    batch, tokens, width = shape
    body = f"""
        tmp_0 = in_0 + w_0;  in_0 = w_0 = None
        tmp_1 = torch.nn.functional.gelu(tmp_0);  tmp_0 = None
        tmp_2 = torch.nn.functional.layer_norm(tmp_1, ({width},), w_1, w_2, 1e-05);  tmp_1 = w_1 = w_2 = None
        return (tmp_2,)"""
    return body, 3, [
        Tensor("w_0", "L_self_modules_dense_parameters_bias_", [width], std=0.5),
        Tensor("w_1", "L_self_modules_norm_parameters_weight_", [width], mean=1.0, std=0.5),
        Tensor("w_2", "L_self_modules_norm_parameters_bias_", [width], std=0.5),
        Tensor("in_0", "hidden_states", [batch, tokens, width]),
    ]


def residual_rmsnorm(dtype, shape):
    batch, tokens, width = shape
    body = f"""
        tmp_0 = in_0 + in_1;  in_0 = in_1 = None
        tmp_1 = tmp_0.to(torch.float32);  tmp_0 = None
        tmp_2 = tmp_1.pow(2)
        tmp_3 = tmp_2.mean(-1, keepdim = True);  tmp_2 = None
        tmp_4 = tmp_3 + 1e-06;  tmp_3 = None
        tmp_5 = torch.rsqrt(tmp_4);  tmp_4 = None
        tmp_6 = tmp_1 * tmp_5;  tmp_1 = tmp_5 = None
        tmp_7 = tmp_6.to(torch.{dtype});  tmp_6 = None
        tmp_8 = w_0 * tmp_7;  w_0 = tmp_7 = None
        return (tmp_8,)"""
    return body, 9, [
        Tensor("w_0", "L_self_modules_input_layernorm_parameters_weight_", [width], mean=1.0, std=0.5),
        Tensor("in_0", "hidden_states", [batch, tokens, width]),
        Tensor("in_1", "residual", [batch, tokens, width]),
    ]


def masked_softmax(dtype, shape):
    batch, heads, rows, columns = shape
    body = """
        tmp_0 = in_0 * 0.125;  in_0 = None
        tmp_1 = tmp_0.masked_fill(in_1, -30000.0);  tmp_0 = in_1 = None
        tmp_2 = torch.softmax(tmp_1, dim = -1);  tmp_1 = None
        return (tmp_2,)"""
    return body, 3, [
        Tensor("in_0", "scores", [batch, heads, rows, columns], std=40.0),
        Tensor("in_1", "padding_mask", [batch, 1, rows, columns], "bool"),
    ]


def attention_mask_build(dtype, shape):
    batch, tokens = shape
    body = f"""
        tmp_0 = in_0[(slice(None, None, None), None, None, slice(None, None, None))];  in_0 = None
        tmp_1 = tmp_0 * in_1;  tmp_0 = in_1 = None
        tmp_2 = tmp_1.to(torch.{dtype});  tmp_1 = None
        tmp_3 = 1.0 - tmp_2;  tmp_2 = None
        tmp_4 = tmp_3 * {LOWEST[dtype]};  tmp_3 = None
        return (tmp_4,)"""
    return body, 5, [
        Tensor("in_0", "L_kwargs_attention_mask_", [batch, tokens], "int64", low=0, high=1),
        Tensor("in_1", "causal_mask", [1, 1, tokens, tokens], "int64", low=0, high=1),
    ]


def rope(dtype, shape):
    batch, heads, tokens, width = shape
    half = width // 2
    body = f"""
        tmp_0 = in_0 * in_1;  in_1 = None
        tmp_1 = in_0[(Ellipsis, slice(None, {half}, None))]
        tmp_2 = in_0[(Ellipsis, slice({half}, None, None))];  in_0 = None
        tmp_3 = -tmp_2;  tmp_2 = None
        tmp_4 = torch.cat((tmp_3, tmp_1), dim = -1);  tmp_3 = tmp_1 = None
        tmp_5 = tmp_4 * in_2;  tmp_4 = in_2 = None
        tmp_6 = tmp_0 + tmp_5;  tmp_0 = tmp_5 = None
        return (tmp_6,)"""
    return body, 7, [
        Tensor("in_0", "query_states", [batch, heads, tokens, width]),
        Tensor("in_1", "cos", [1, 1, tokens, width], mean=0.4, std=3.0),
        Tensor("in_2", "sin", [1, 1, tokens, width], mean=0.3, std=3.0),
    ]


def se_tail(dtype, shape):
    batch, squeezed, channels, height, width = shape
    body = """
        conv2d = torch.conv2d(in_0, w_1, w_0, (1, 1), (0, 0), (1, 1), 1);  in_0 = w_1 = w_0 = None
        tmp_3 = torch.nn.functional.hardsigmoid(conv2d, False);  conv2d = None
        tmp_4 = in_1 * tmp_3;  in_1 = tmp_3 = None
        return (tmp_4,)"""
    return body, 3, [
        Tensor("w_0", "L_self_modules_se_modules_fc2_parameters_bias_", [channels], std=2.0),
        Tensor("w_1", "L_self_modules_se_modules_fc2_parameters_weight_", [channels, squeezed, 1, 1], std=1.5),
        Tensor("in_0", "x_se", [batch, squeezed, 1, 1], mean=0.4, std=2.0),
        Tensor("in_1", "x", [batch, channels, height, width]),
    ]


def batchnorm_eval_act(dtype, shape):
    batch, channels, height, width = shape
    body = """
        tmp_0 = torch.nn.functional.batch_norm(in_0, w_0, w_1, w_3, w_2, False, 0.1, 1e-05);  in_0 = w_0 = w_1 = None
        w_3 = w_2 = None
        tmp_1 = torch.nn.functional.silu(tmp_0, False);  tmp_0 = None
        return (tmp_1,)"""
    return body, 2, [
        Tensor("w_0", "L_self_modules_bn_buffers_running_mean_", [channels], std=1.0),
        Tensor("w_1", "L_self_modules_bn_buffers_running_var_", [channels], mean=1.0, std=0.8, low=0),
        Tensor("w_2", "L_self_modules_bn_parameters_bias_", [channels], std=1.0),
        Tensor("w_3", "L_self_modules_bn_parameters_weight_", [channels], mean=1.0, std=0.8),
        Tensor("in_0", "x", [batch, channels, height, width]),
    ]


def swiglu(dtype, shape):
    batch, tokens, width = shape
    body = """
        chunk = in_0.chunk(2, dim = -1);  in_0 = None
        tmp_0 = chunk[0]
        tmp_1 = chunk[1];  chunk = None
        tmp_2 = torch.nn.functional.silu(tmp_0, False);  tmp_0 = None
        tmp_3 = tmp_2 * tmp_1;  tmp_2 = tmp_1 = None
        return (tmp_3,)"""
    return body, 5, [Tensor("in_0", "gate_up", [batch, tokens, 2 * width])]


def mean_pool_normalise(dtype, shape):
    batch, tokens, width = shape
    body = f"""
        tmp_0 = in_1.unsqueeze(-1);  in_1 = None
        tmp_1 = tmp_0.to(torch.{dtype});  tmp_0 = None
        tmp_2 = in_0 * tmp_1;  in_0 = None
        tmp_3 = tmp_2.sum(1);  tmp_2 = None
        tmp_4 = tmp_1.sum(1);  tmp_1 = None
        tmp_5 = torch.clamp(tmp_4, min = 1e-06);  tmp_4 = None
        tmp_6 = tmp_3 / tmp_5;  tmp_3 = tmp_5 = None
        tmp_7 = tmp_6.norm(p = 2, dim = -1, keepdim = True)
        tmp_8 = tmp_6 / tmp_7;  tmp_6 = tmp_7 = None
        return (tmp_8,)"""
    return body, 9, [
        Tensor("in_0", "token_embeddings", [batch, tokens, width], mean=0.2),
        Tensor("in_1", "L_kwargs_attention_mask_", [batch, tokens], "int64", low=0, high=1),
    ]


def reduce_broadcast_chain(dtype, shape):
    rows, width = shape
    body = """
        tmp_0 = in_0.abs()
        tmp_1 = tmp_0.amax(dim = -1, keepdim = True);  tmp_0 = None
        tmp_2 = tmp_1.clamp(min = 1e-05);  tmp_1 = None
        tmp_3 = tmp_2 / 127.0;  tmp_2 = None
        tmp_4 = in_0 / tmp_3;  in_0 = None
        tmp_5 = tmp_4.round();  tmp_4 = None
        tmp_6 = tmp_5.clamp(-128.0, 127.0);  tmp_5 = None
        tmp_7 = tmp_6 * tmp_3;  tmp_6 = tmp_3 = None
        return (tmp_7,)"""
    return body, 8, [Tensor("in_0", "activations", [rows, width])]


def two_outputs(dtype, shape):
    batch, tokens, query_heads, key_heads, width = shape
    norm = """
        tmp_{0} = {source}.to(torch.float32);  {source} = None
        tmp_{1} = tmp_{0}.pow(2)
        tmp_{2} = tmp_{1}.mean(-1, keepdim = True);  tmp_{1} = None
        tmp_{3} = tmp_{2} + 1e-06;  tmp_{2} = None
        tmp_{4} = torch.rsqrt(tmp_{3});  tmp_{3} = None
        tmp_{5} = tmp_{0} * tmp_{4};  tmp_{0} = tmp_{4} = None
        tmp_{6} = tmp_{5}.to(torch.{dtype});  tmp_{5} = None
        tmp_{7} = {weight} * tmp_{6};  {weight} = tmp_{6} = None"""
    body = (norm.format(*range(0, 8), source="in_0", weight="w_0", dtype=dtype)
            + norm.format(*range(8, 16), source="in_1", weight="w_1", dtype=dtype)
            + "\n        return (tmp_15, tmp_7)")
    return body, 16, [
        Tensor("w_0", "L_self_modules_q_norm_parameters_weight_", [width], mean=1.0, std=0.5),
        Tensor("w_1", "L_self_modules_k_norm_parameters_weight_", [width], mean=1.0, std=0.5),
        Tensor("in_0", "query_states", [batch, tokens, query_heads, width]),
        Tensor("in_1", "key_states", [batch, tokens, key_heads, width]),
    ]


def inplace_act(dtype, shape):
    batch, channels, height, width = shape
    body = """
        tmp_0 = in_0.add_(in_1);  in_0 = in_1 = None
        tmp_1 = torch.nn.functional.silu(tmp_0, True);  tmp_0 = None
        tmp_2 = tmp_1 * w_0;  tmp_1 = w_0 = None
        return (tmp_2,)"""
    return body, 3, [
        Tensor("w_0", "L_self_parameters_layer_scale_", [channels, 1, 1], mean=0.5, std=1.0),
        Tensor("in_0", "shortcut", [batch, channels, height, width]),
        Tensor("in_1", "branch", [batch, channels, height, width]),
    ]


F32, BF16, F16 = "float32", "bfloat16", "float16"
TASKS = [
    Task("bias_gelu_layernorm", "nlp", bias_gelu_layernorm,
         [(F32, 0, (1, 128, 768)), (F32, 1, (2, 197, 768)), (BF16, 0, (1, 128, 768)), (BF16, 1, (2, 197, 768)),
          (F16, 0, (1, 128, 768))]),
    Task("residual_rmsnorm", "nlp", residual_rmsnorm,
         [(F32, 0, (1, 128, 1024)), (F32, 1, (2, 256, 1024)), (BF16, 0, (1, 128, 1024)), (BF16, 1, (2, 256, 1024)),
          (F16, 0, (1, 128, 1024))]),
    Task("masked_softmax", "nlp", masked_softmax,
         [(F32, 0, (1, 12, 64, 64)), (F32, 1, (2, 8, 128, 128)), (BF16, 0, (1, 12, 64, 64)),
          (BF16, 1, (2, 8, 128, 128)), (F16, 0, (1, 12, 64, 64))]),
    Task("attention_mask_build", "nlp", attention_mask_build,
         [(F32, 0, (4, 128)), (F32, 1, (2, 256)), (BF16, 0, (4, 128)), (F16, 1, (2, 256))]),
    Task("rope", "nlp", rope,
         [(F32, 0, (1, 8, 128, 64)), (F32, 1, (2, 12, 197, 64)), (BF16, 0, (1, 8, 128, 64)),
          (BF16, 1, (2, 12, 197, 64)), (F16, 0, (1, 8, 128, 64))]),
    Task("se_tail", "computer_vision", se_tail,
         [(F32, 0, (1, 24, 96, 28, 28)), (F32, 1, (4, 24, 96, 28, 28)), (BF16, 0, (1, 24, 96, 28, 28)),
          (BF16, 1, (4, 24, 96, 28, 28))]),
    Task("batchnorm_eval_act", "computer_vision", batchnorm_eval_act,
         [(F32, 0, (1, 64, 28, 28)), (F32, 1, (4, 64, 56, 56)), (BF16, 0, (1, 64, 28, 28)),
          (BF16, 1, (4, 64, 56, 56)), (F16, 0, (1, 64, 28, 28))]),
    Task("swiglu", "nlp", swiglu,
         [(F32, 0, (1, 64, 1024)), (F32, 1, (2, 128, 1408)), (BF16, 0, (1, 64, 1024)), (BF16, 1, (2, 128, 1408)),
          (F16, 0, (1, 64, 1024))]),
    Task("mean_pool_normalise", "nlp", mean_pool_normalise,
         [(F32, 0, (4, 64, 384)), (F32, 1, (8, 128, 384)), (BF16, 0, (4, 64, 384)), (BF16, 1, (8, 128, 384)),
          (F16, 0, (4, 64, 384))]),
    Task("reduce_broadcast_chain", "nlp", reduce_broadcast_chain,
         [(F32, 0, (128, 768)), (F32, 1, (512, 1024)), (BF16, 0, (128, 768)), (BF16, 1, (512, 1024)),
          (F16, 0, (128, 768))]),
    Task("two_outputs", "nlp", two_outputs,
         [(F32, 0, (1, 64, 12, 4, 64)), (F32, 1, (2, 128, 12, 4, 64)), (BF16, 0, (1, 64, 12, 4, 64)),
          (F16, 1, (2, 128, 12, 4, 64))]),
    Task("inplace_act", "computer_vision", inplace_act,
         [(F32, 0, (1, 64, 28, 28)), (F32, 1, (4, 64, 28, 28)), (BF16, 0, (1, 64, 28, 28)), (F16, 0, (1, 64, 28, 28))]),
]


def model_text(body, tensors):
    arguments = ", ".join(tensor.name for tensor in tensors)
    return f"import torch\n\nclass GraphModule(torch.nn.Module):\n\n    def forward(self, {arguments}):{body}\n"


def graph_net(task, dtype):
    facts = {
        "framework": "torch",
        "num_devices_required": 1,
        "num_nodes_required": 1,
        "dynamic": False,
        "model_name": f"passnet/{task.name}",
        "source": "passnet",
        "heuristic_tag": task.tag,
        "data_type_generalization_passes": [
            "dtype_generalization_pass_float16",
            "dtype_generalization_pass_bfloat16",
        ],
    }
    if dtype != F32:
        facts["dtype_generalization_target_dtype"] = dtype
        facts["dtype_generalization_precision"] = dtype
        facts["dtype_generalization_generated"] = True
    return json.dumps(facts, indent=4)


def task_files(task):
    """All files of one task: path relative to tasks/ -> text."""
    files, listed = {}, []
    for dtype, variant, shape in task.variants:
        body, operations, tensors = task.graph(dtype, shape)
        folder = f"graphs/{dtype}_{variant}/{task.name}_start0_end{operations}_0"
        model = model_text(body, tensors)
        listed.append(folder)
        for name, text in {
            "model.py": model,
            "weight_meta.py": "\n\n".join(tensor.meta(dtype) for tensor in tensors),
            "input_meta.py": "",
            "input_tensor_constraints.py": "",
            "graph_net.json": graph_net(task, dtype),
            "graph_hash.txt": hashlib.sha256(model.encode()).hexdigest(),
        }.items():
            files[f"{task.name}/{folder}/{name}"] = text
    files[f"{task.name}/graph_list.txt"] = "".join(path + "\n" for path in listed)
    return files


def differences(expected):
    for path, text in sorted(expected.items()):
        place = TASKS_DIR / path
        if not place.is_file():
            yield f"tasks/{path}: missing"
        elif place.read_text() != text:
            yield f"tasks/{path}: differs from what tasks/generate.py writes"
    for place in sorted(TASKS_DIR.glob("*/**/*")):
        path = place.relative_to(TASKS_DIR).as_posix()
        if place.is_file() and path not in expected and not path.startswith("__pycache__/"):
            yield f"tasks/{path}: not written by tasks/generate.py"


def main():
    parser = argparse.ArgumentParser(description="writes or checks the bundled tasks")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the tree differs")
    arguments = parser.parse_args()
    expected = {}
    for task in TASKS:
        expected.update(task_files(task))
    if arguments.check:
        found = list(differences(expected))
        print("\n".join(found) if found else f"tasks: {len(TASKS)} tasks are up to date")
        return 1 if found else 0
    for path, text in expected.items():
        place = TASKS_DIR / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_file() or place.read_text() != text:
            place.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
