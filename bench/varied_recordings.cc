#include "bench/varied_recordings.h"

#include <cstdio>

#include "base/file.h"
#include "base/json.h"
#include "recorded_llm/conversation.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kSpeedups = 12;  // chosen: some samples of a task agree in all draws, so that there is what to deduplicate

// Text as a model writes it: some words, a folder of three files.
constexpr const char* kReply = R"(The graph moves each byte once, so one loop over blocks of @TILE@ elements is enough; it
is unrolled @UNROLL@ times, since the adds depend on each other.

#### FILE: sorted_output_pass_rule_names.json
```json
["Fused"]
```

#### FILE: Fused.py
```python
import torch

TILE = @TILE@
UNROLL = @UNROLL@


def pattern(a, b):
    return (a + b) * b


def replacement_args(a, b):
    return (a, b)


@torch.fx.wrap
def fused(a, b):
    out = torch.empty_like(a)
    for begin in range(0, a.numel(), TILE):
        torch.mul(a[begin:begin + TILE] + b[begin:begin + TILE], b[begin:begin + TILE], out=out[begin:begin + TILE])
    return out


def replacement_func():
    return fused
```

#### FILE: plan.json
```json
{"verdict": "@VERDICT@", "speedup": @SPEEDUP@}
```
)";

// From turn to turn a little faster, from sample to sample by a third.
std::vector<std::string> Speedups(int turn) {
  std::vector<std::string> texts;
  for (int i = 0; i < kSpeedups; ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", 0.8 + 0.1 * turn + 0.06 * i);
    texts.emplace_back(text);
  }
  return texts;
}

Json Turn(int turn) {
  const std::vector<std::string> tiles = {"64", "128", "256", "512"};
  const std::vector<std::string> unrolls = {"2", "4"};
  // Three of five are right.
  const std::vector<std::string> verdicts = {"OK", "OK", "OK", "INCORRECT", "COMPILE"};
  return {{"reply_file", "reply.md"},
          {"usage", {{"prompt_tokens", 2000 + 400 * turn}, {"completion_tokens", 300}}},
          {"vary", {{"@TILE@", tiles}, {"@UNROLL@", unrolls}, {"@VERDICT@", verdicts}, {"@SPEEDUP@", Speedups(turn)}}}};
}

}  // namespace

Status WriteVariedRecordings(const fs::path& folder, const std::vector<std::string>& tasks, int turns) {
  Json all = Json::MakeArray();
  for (int turn = 0; turn < turns; ++turn) all.Push(Turn(turn));
  for (const std::string& task : tasks) {
    std::error_code error;
    fs::create_directories(folder / task, error);
    if (error) return Error::FromErrno("create", (folder / task).native(), error.value());
    const Json conversation = {
        {"schema", recorded_llm::kConversationSchema},
        {"metadata", {{"authored_by", "the passnetd developers"}, {"provenance", "written by a bench"}}},
        {"match", std::vector<std::string>{"Task: " + task + "\\b"}},
        {"turns", all}};
    RETURN_IF_ERROR(WriteFileAtomic(folder / task / "reply.md", kReply));
    RETURN_IF_ERROR(WriteFileAtomic(folder / task / "conversation.json", conversation.Dump()));
  }
  return OkStatus();
}

}  // namespace passnet::bench
