#include "bench/varied_recordings.h"

#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "base/json.h"
#include "recorded_llm/conversation.h"
#include "tests/fakes/paths.h"

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

Status MakeFolder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? Status(Error::FromErrno("create", folder.native(), error.value())) : OkStatus();
}

Status WriteConversation(const fs::path& folder, const std::string& task, const Json& turns) {
  const Json conversation = {
      {"schema", recorded_llm::kConversationSchema},
      {"metadata", {{"authored_by", "the passnetd developers"}, {"provenance", "written by a bench"}}},
      {"match", std::vector<std::string>{"Task: " + task + "\\b"}},
      {"turns", turns}};
  return WriteFileAtomic(folder / "conversation.json", conversation.Dump());
}

// A comment behind each line that opens a file of this kind in the reply.
void MarkFiles(const std::string& fence, const std::string& comment, std::string* reply) {
  const std::string opening = "```" + fence + "\n";
  for (size_t at = reply->find(opening); at != std::string::npos; at = reply->find(opening, at + opening.size())) {
    reply->insert(at + opening.size(), comment);
  }
}

const char* FenceOf(const std::string& name) {
  if (name.ends_with(".py")) return "python";
  return name.ends_with(".json") ? "json" : "cpp";
}

Result<std::string> ReplyOf(const fs::path& pass) {
  std::vector<fs::path> files;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(pass, failed)) files.push_back(entry.path());
  if (failed) return Error::FromErrno("read", pass.native(), failed.value());
  std::sort(files.begin(), files.end());
  std::string reply = "One kernel for the whole chain.\n";
  for (const fs::path& file : files) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file, 4 << 20));
    const std::string name = file.filename().native();
    reply += "\n#### FILE: " + name + "\n```" + FenceOf(name) + "\n" + text + "```\n";
  }
  MarkFiles("python", "# variant @VARIANT@\n", &reply);
  return reply;
}

Json DemoTurn(const std::string& reply_file) {
  constexpr int kVariants = 1000;  // chosen: of a task's some twenty samples hardly two agree
  std::vector<std::string> variants;
  for (int i = 0; i < kVariants; ++i) variants.push_back(std::to_string(i));
  return {{"reply_file", reply_file},
          {"usage", {{"prompt_tokens", 4200}, {"completion_tokens", 1400}}},
          {"vary", {{"@VARIANT@", variants}}}};
}

}  // namespace

Status WriteVariedRecordings(const fs::path& folder, const std::vector<std::string>& tasks, int turns) {
  Json all = Json::MakeArray();
  for (int turn = 0; turn < turns; ++turn) all.Push(Turn(turn));
  for (const std::string& task : tasks) {
    RETURN_IF_ERROR(MakeFolder(folder / task));
    RETURN_IF_ERROR(WriteFileAtomic(folder / task / "reply.md", kReply));
    RETURN_IF_ERROR(WriteConversation(folder / task, task, all));
  }
  return OkStatus();
}

Status WritePassRecordings(const fs::path& folder, const fs::path& passes, const std::vector<std::string>& tasks, int turns) {
  Json all = Json::MakeArray();
  for (int turn = 0; turn < turns; ++turn) all.Push(DemoTurn("reply.md"));
  for (const std::string& task : tasks) {
    ASSIGN_OR_RETURN(const std::string reply, ReplyOf(passes / task));
    RETURN_IF_ERROR(MakeFolder(folder / task));
    RETURN_IF_ERROR(WriteFileAtomic(folder / task / "reply.md", reply));
    RETURN_IF_ERROR(WriteConversation(folder / task, task, all));
  }
  return OkStatus();
}

Status WriteDemoRecordings(const fs::path& folder, const std::vector<std::string>& tasks, int turns) {
  for (const std::string& task : tasks) {
    const fs::path recorded = fs::path(fakes::SourceDir()) / "recorded_llm/demo" / task;
    RETURN_IF_ERROR(MakeFolder(folder / task));
    Json all = Json::MakeArray();
    std::string name;
    for (int turn = 1; turn <= turns; ++turn) {
      const std::string next = std::to_string(turn) + ".md";
      if (fs::exists(recorded / next)) {
        name = next;
        ASSIGN_OR_RETURN(std::string reply, ReadFile(recorded / name, 4 << 20));
        MarkFiles("python", "# variant @VARIANT@\n", &reply);
        MarkFiles("cpp", "// variant @VARIANT@\n", &reply);
        RETURN_IF_ERROR(WriteFileAtomic(folder / task / name, reply));
      }
      all.Push(DemoTurn(name));
    }
    RETURN_IF_ERROR(WriteConversation(folder / task, task, all));
  }
  return OkStatus();
}

}  // namespace passnet::bench
