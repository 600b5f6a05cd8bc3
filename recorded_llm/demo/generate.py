#!/usr/bin/env python3
"""Writes the demo's recorded conversations, or checks that what is in the tree is what it would write.

    python3 recorded_llm/demo/generate.py           writes recorded_llm/demo/<task>/{conversation.json,<turn>.md}
    python3 recorded_llm/demo/generate.py --check   exit status 1 and a line a difference

No model produced these replies: they are written here by hand, and every conversation.json says so. A reply's folder
is the good pass of tests/fixtures/passes/<task>, or that pass with a mistake or a slowness put into it by the edits
below, so that the last reply of a conversation and the tested pass cannot drift apart. What a turn expects of the
request proves that the feedback of the turn before reached the endpoint.
Every conversation has TURNS turns, the demo campaign's round limit; after the last improvement the folder is handed in
again unchanged, which a loop with a plateau rule asks for at most a few times.
"""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
PASSES = HERE.parents[1] / "tests" / "fixtures" / "passes"
TURNS = 4
RULES = "sorted_output_pass_rule_names.json"
FENCES = {".py": "python", ".cc": "cpp", ".json": "json"}
PROMPT_TOKENS = 4200  # of the first prompt, about; four characters a token from there

SAME = ("I have no further change that I would expect to gain more than the noise of the measurement, so the "
        "folder stays.")
CORRECT = [r"verdict=OK", r"speedup=\d"]


def good(task):
    return {place.name: place.read_text() for place in sorted((PASSES / task).iterdir())}


def edited(files, *edits):
    """`edits`: (file, old, new); each old text must be there exactly once, or the edit is out of date."""
    files = dict(files)
    for name, old, new in edits:
        if files[name].count(old) != 1:
            raise SystemExit(f"{name}: the text to edit stands there {files[name].count(old)} times: {old!r}")
        files[name] = files[name].replace(old, new)
    return files


def without(files, *names):
    return {name: text for name, text in files.items() if name not in names}


def reply(prose, files):
    parts = [prose.strip() + "\n"]
    for name in sorted(files, key=lambda name: (name != RULES, not name.endswith(".py"), name)):
        fence = FENCES[pathlib.Path(name).suffix]
        parts.append(f"\n#### FILE: {name}\n```{fence}\n{files[name].rstrip()}\n```\n")
    return "".join(parts)


def bias_gelu_layernorm():
    final = good("bias_gelu_layernorm")
    return [([], reply(
        "Three operators, one read and one write of the activations: a row of 768 fits into L1, so bias and "
        "GELU go into "
        "a row buffer together with the running sum, and two more sweeps over the buffer give variance and "
        "result. erf is "
        "the same polynomial with exp that PyTorch uses, so that fp16 rounds the same way before the "
        "LayerNorm.", final))]


def residual_rmsnorm():
    final = good("residual_rmsnorm")
    first = edited(final, ("residual_rmsnorm.cc", "V sum = D::Round(D::Load(x + i) + D::Load(residual + i));",
                           "V sum = D::Round(D::Widen(x + i) + D::Widen(residual + i));"))
    return [
        ([], reply("The model source differs by dtype only in the cast, so there is one pattern a dtype and one "
                   "kernel. The "
                   "row is kept in fp32 between the sum of squares and the scaling.", first)),
        ([r"compile_fail|COMPILE", r"error: .*Widen"], reply(
            "The load of my element types is called Load, not Widen, as the compiler says. Nothing else "
            "changes.", final)),
    ]


MASKED_SOFTMAX_SCALAR = """\
// Scale + masked fill + softmax over the last dimension, element by element.
#include <math.h>
#include <passnet_kernel.h>
#include <stdint.h>
#include <string.h>

#include <vector>

namespace {

double Load(const DLTensor& t, int64_t i) {
  if (t.dtype.bits == 32) return ((const float*)t.data)[i];
  const uint16_t half = ((const uint16_t*)t.data)[i];
  if (t.dtype.code == kDLBfloat) {
    const uint32_t bits = (uint32_t)half << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
  }
  _Float16 value;
  memcpy(&value, &half, sizeof value);
  return (float)value;
}

uint16_t Bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

void Store(const DLTensor& t, int64_t i, double value) {
  if (t.dtype.bits == 32) {
    ((float*)t.data)[i] = (float)value;
  } else if (t.dtype.code == kDLBfloat) {
    ((uint16_t*)t.data)[i] = Bfloat16((float)value);
  } else {
    ((_Float16*)t.data)[i] = (_Float16)(float)value;
  }
}

}  // namespace

// inputs: scores [batch, heads, rows, columns]; mask, bool. outputs: like scores. scalars: factor, fill.
extern "C" int masked_softmax(const PnCall* call) {
  const DLTensor &scores = call->inputs[0], &out = call->outputs[0];
  const uint8_t* mask = (const uint8_t*)call->inputs[1].data;
  const int64_t heads = scores.shape[1], rows = scores.shape[2], width = scores.shape[3];
  std::vector<double> row(width);
  for (int64_t r = 0; r < scores.shape[0] * heads * rows; ++r) {
    const uint8_t* masked = mask + (r / (heads * rows) * rows + r % rows) * width;
    double most = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < width; ++i) {
      // The product is rounded to the scores' type first, as eager's is.
      Store(out, r * width + i, Load(scores, r * width + i) * call->scalars[0].f);
      row[i] = masked[i] ? call->scalars[1].f : Load(out, r * width + i);
      most = fmax(most, row[i]);
    }
    for (int64_t i = 0; i < width; ++i) sum += row[i] = exp(row[i] - most);
    for (int64_t i = 0; i < width; ++i) Store(out, r * width + i, row[i] / sum);
  }
  return 0;
}
"""


def masked_softmax():
    final = good("masked_softmax")
    subnormal = edited(final, (
        "masked_softmax.cc",
        "        // Zero instead of subnormals, which masked elements would be: arithmetic on them is a hundred "
        "times slower.\n"
        "        const V below = F32::Load(&row[i]) - top;\n"
        "        V e = AsFloat((I)(below > Set(-87.0f)) & AsInt(Exp(below)));\n",
        "        V e = Exp(F32::Load(&row[i]) - top);\n"))
    return [
        ([], reply("First a plain version that is certainly right: one loop, double inside.",
                   {**final, "masked_softmax.cc": MASKED_SOFTMAX_SCALAR})),
        ([r"verdict=OK", r"speedup=0\.\d+x"], reply(
            "Right, but slower than eager, as the speed-ups below 1 show: exp of the C library, one element at "
            "a time. Now "
            "with vectors and an exp of my own; the mask is a select.", subnormal)),
        ([r"verdict=OK", r"speedup=\d+\.\d+x"], reply(
            "Faster, yet far from floor_us. My exp clamps its argument at -87, so every masked element becomes "
            "1.6e-38, and "
            "times 1/sum that is a subnormal number: each costs a microcode assist. A compare and an and give "
            "zero instead.",
            final)),
    ]


ATTENTION_MASK_PROSE = """
All four temporaries can go: the value of an element depends on one padding flag and one causal flag only, so a
single loop writes it. My kernel would be

```cpp
for (int64_t r = 0; r < rows; ++r)
  for (int64_t i = 0; i < width; ++i)
    out[r * width + i] = (1.0f - (float)(pad[i] * allowed[r * width + i])) * lowest;
```

with one pattern for each of the three dtypes. Shall I write the files?
"""


def attention_mask_build():
    final = good("attention_mask_build")
    return [
        ([], ATTENTION_MASK_PROSE.lstrip()),
        ([r"FILE"], reply(
            "Here is the complete folder in the form asked for. The dtype is known from the pattern only, so it "
            "goes to the "
            "shared replacement as a route string.", final)),
    ]


def rope():
    return [([], reply(
        "rotate_half reads each half once more and concatenates; in a kernel that is two loads used twice. bf16 "
        "and fp16 "
        "products are rounded before the sum, and multiply-add contraction is off, so results equal eager's bit "
        "by bit.",
        good("rope")))]


def se_tail():
    return [([], reply(
        "A 1x1 convolution on a 1x1 map is a matrix-vector product: 24 multiply-adds a channel. oneDNN's set-up "
        "costs more "
        "than that. The gate of a channel is then applied to its plane directly.", good("se_tail")))]


def batchnorm_eval_act():
    return [([], reply(
        "With running statistics BatchNorm is one multiply-add a channel, and SiLU follows in registers: one "
        "read and one "
        "write instead of two each.", good("batchnorm_eval_act")))]


def swiglu():
    final = good("swiglu")
    pattern = ("    halves = packed.chunk(2, dim=-1)\n"
               "    return torch.nn.functional.silu(halves[0], False) * halves[1]\n")

    def with_pattern(lines):
        return edited(final, ("SwiGlu.py", pattern, lines))

    return [
        ([], reply("Gate and up projection lie side by side, so the kernel reads both from the packed tensor "
                   "and writes "
                   "once.", with_pattern(
                       "    gate, up = packed.split(1024, dim=-1)\n"
                       "    return torch.nn.functional.silu(gate, False) * up\n"))),
        ([r"pass_miss", r"\bsplit\b"], reply(
            "The graph does not split by size. Slices say the same without a number of parts.", with_pattern(
                "    gate = packed[..., :1024]\n    up = packed[..., 1024:]\n"
                "    return torch.nn.functional.silu(gate, False) * up\n"))),
        ([r"pass_miss", r"getitem|tmp_0"], reply(
            "So it has to be a chunk. I write it with the function of that name.", with_pattern(
                "    halves = torch.chunk(packed, 2, -1)\n"
                "    return torch.nn.functional.silu(halves[0], False) * halves[1]\n"))),
        ([r"pass_miss", r"torch\.chunk"], reply(
            "The function is not the method. With the method, and the dimension as I would write it:", with_pattern(
                "    halves = packed.chunk(2, -1)\n"
                "    return torch.nn.functional.silu(halves[0], False) * halves[1]\n"))),
    ]


def mean_pool_normalise():
    final = good("mean_pool_normalise")
    half = without(final, "MeanPoolBfloat16.py", "MeanPoolFloat16.py")
    return [
        ([], reply("The embeddings are read once: weighted sum, count, mean and norm of a sequence in one kernel.",
                   {**half, RULES: '["MeanPoolFloat32"]'})),
        ([r"pass_miss", r"torch\.bfloat16"], reply(
            "The cast names the dtype, so my pattern fits the float32 graphs only. Two more patterns share the "
            "replacement.",
            final)),
    ]


def reduce_broadcast_chain():
    return [([], reply(
        "A maximum does not depend on the order of its operands, and every later step is one correctly rounded "
        "operation, so "
        "the fused kernel equals eager exactly. The second sweep over a row finds it in L1.",
        good("reduce_broadcast_chain")))]


def two_outputs():
    final = good("two_outputs")
    wrong = edited(final, ("two_outputs.cc", "1.0f / __builtin_sqrtf(squares / (float)width + epsilon)",
                           "1.0f / __builtin_sqrtf(squares + epsilon)"))
    return [
        ([], reply("Query and key heads go through the same chain with another weight: one pattern matches "
                   "twice, once an "
                   "output.", wrong)),
        ([r"INCORRECT", r"max_abs_diff=\d"], reply(
            "The differences are as large as the values: I normalise by the sum of squares and not by their "
            "mean.", final)),
    ]


def inplace_act():
    final = good("inplace_act")
    unwritten = edited(
        final,
        ("inplace_act.cc", "          D::Store(x + i, active);\n", ""),
        ("inplace_act.cc", "    T* x = (T*)mutated.data;\n", "    const T* x = (const T*)mutated.data;\n"))
    return [
        ([], reply("Sum, SiLU and scale in one sweep, without writing the intermediate values.", unwritten)),
        ([r"INCORRECT"], reply(
            "The graph changes its input in place (add_ and silu with inplace), and whoever holds that tensor "
            "sees it: it is "
            "a result like the returned one. The kernel now writes both.", final)),
    ]


CONVERSATIONS = [bias_gelu_layernorm, residual_rmsnorm, masked_softmax, attention_mask_build, rope, se_tail,
                 batchnorm_eval_act, swiglu, mean_pool_normalise, reduce_broadcast_chain, two_outputs, inplace_act]


def conversation_files(author):
    """All files of one conversation: path relative to this folder -> text."""
    task = author.__name__
    turns = author()
    files = {f"{task}/{number}.md": text for number, (_, text) in enumerate(turns, 1)}
    names = [f"{number}.md" for number in range(1, len(turns) + 1)]
    expects = [expect for expect, _ in turns]
    expects[0] = [rf"Task: {task}\b", r"speed|eager_us"]
    if len(turns) < TURNS:
        names += [f"{len(turns) + 1}.md"] * (TURNS - len(turns))
        expects += [CORRECT] * (TURNS - len(turns))
        files[f"{task}/{len(turns) + 1}.md"] = reply(SAME, good(task))
    recorded, prompt = [], PROMPT_TOKENS
    for name, expect in zip(names, expects):
        completion = len(files[f"{task}/{name}"]) // 4
        recorded.append({"expect": expect, "reply_file": name,
                         "usage": {"prompt_tokens": prompt, "completion_tokens": completion}, "finish_reason": "stop"})
        prompt += completion + 400
    files[f"{task}/conversation.json"] = json.dumps({
        "schema": "passnet.recorded_conversation/1",
        "metadata": {"authored_by": "the passnetd developers",
                     "provenance": "written by hand for the demo; no model produced it"},
        "match": [rf"Task: {task}\b"],
        "turns": recorded,
    }, indent=2) + "\n"
    return files


def differences(expected):
    for path, text in sorted(expected.items()):
        place = HERE / path
        if not place.is_file():
            yield f"recorded_llm/demo/{path}: missing"
        elif place.read_text() != text:
            yield f"recorded_llm/demo/{path}: differs from what recorded_llm/demo/generate.py writes"
    for place in sorted(HERE.glob("*/*")):
        if place.is_file() and "__pycache__" not in place.parts and place.relative_to(HERE).as_posix() not in expected:
            yield f"recorded_llm/demo/{place.relative_to(HERE)}: not written by recorded_llm/demo/generate.py"


def main():
    parser = argparse.ArgumentParser(description="writes or checks the demo's recorded conversations")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the tree differs")
    arguments = parser.parse_args()
    expected = {}
    for author in CONVERSATIONS:
        expected.update(conversation_files(author))
    if arguments.check:
        found = list(differences(expected))
        print("\n".join(found) if found else f"demo: {len(CONVERSATIONS)} conversations are up to date")
        return 1 if found else 0
    for path, text in expected.items():
        place = HERE / path
        place.parent.mkdir(exist_ok=True)
        if not place.is_file() or place.read_text() != text:
            place.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
