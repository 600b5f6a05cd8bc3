// passnet task: what a folder of PassBench tasks holds, without running anything.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <set>

#include "base/json.h"
#include "cli/output.h"
#include "cli/task_marks.h"
#include "cli/verb.h"
#include "passbench/inputs.h"
#include "passbench/task.h"

namespace passnet::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kShortName = 12;  // digits of a sha256 that tell tasks apart at a glance
constexpr size_t kOpsWidth = 60;   // columns; the whole list is in `task show` and in the JSON

struct TaskFlags {
  std::string path;
  bool json = false;
};

std::string Joined(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : separator) + part;
  return text;
}

std::string Cut(std::string text, size_t width) {
  if (text.size() <= width) return text;
  return text.substr(0, width - 1) + "…";
}

std::string ShowBytes(uint64_t bytes) {
  char text[32];
  if (bytes < 1000) {
    std::snprintf(text, sizeof text, "%d B", static_cast<int>(bytes));
  } else if (bytes < 1'000'000) {
    std::snprintf(text, sizeof text, "%.1f kB", static_cast<double>(bytes) / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  }
  return text;
}

std::string ShowShape(const passbench::TensorMeta& input) {
  std::string text;
  for (int64_t size : input.shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return std::string(passbench::DTypeName(input.dtype)) + "[" + text + "]";
}

std::vector<std::string> DtypesOf(const passbench::Task& task) {
  std::set<std::string> dtypes;
  for (const passbench::Graph& graph : task.graphs) dtypes.insert(graph.Dtype());
  return {dtypes.begin(), dtypes.end()};
}

struct ByteRange {
  uint64_t least;
  uint64_t most;
};

ByteRange InputBytesOf(const passbench::Task& task) {
  ByteRange range{UINT64_MAX, 0};
  for (const passbench::Graph& graph : task.graphs) {
    range.least = std::min(range.least, graph.InputBytes());
    range.most = std::max(range.most, graph.InputBytes());
  }
  return range;
}

std::string ShowRange(ByteRange range) {
  if (range.least == range.most) return ShowBytes(range.least);
  return ShowBytes(range.least) + " to " + ShowBytes(range.most);
}

Json SummaryJson(const passbench::Task& task, const std::string& path) {
  const ByteRange bytes = InputBytesOf(task);
  return {{"task", task.name},
          {"path", path},
          {"graphs", task.graphs.size()},
          {"dtypes", DtypesOf(task)},
          {"ops", task.graphs.front().ops()},
          {"input_bytes_min", bytes.least},
          {"input_bytes_max", bytes.most}};
}

std::vector<std::string> SummaryRow(const passbench::Task& task, const std::string& path) {
  const bool hash = task.name.size() == 64;
  return {hash ? task.name.substr(0, kShortName) : task.name,
          std::to_string(task.graphs.size()),
          Joined(DtypesOf(task), " "),
          Cut(Joined(task.graphs.front().ops(), " "), kOpsWidth),
          ShowRange(InputBytesOf(task)),
          path};
}

int List(const TaskFlags& flags) {
  auto dirs = passbench::FindTasks(flags.path);
  if (!dirs) return Fail(dirs.error());
  if (dirs->empty()) return Fail(NotFound(flags.path + ": no folder with a graph_list.txt in it or below it"));
  Table table({"task", "graphs", "dtypes", "ops", "input bytes", "path"});
  Json tasks = Json::MakeArray();
  Json refused = Json::MakeArray();
  for (const fs::path& dir : *dirs) {
    const std::string path = dir.lexically_relative(flags.path).native();
    auto task = passbench::LoadTask(dir);
    if (!task) {
      Fail(task.error());
      refused.Push({{"path", path}, {"error", task.error().context}});
      continue;
    }
    table.Add(SummaryRow(*task, path));
    tasks.Push(SummaryJson(*task, path));
  }
  const bool all = refused.empty();
  if (flags.json) {
    const Json list{{"schema", "passnet.task_list/1"}, {"root", flags.path}, {"tasks", tasks}, {"refused", refused}};
    std::printf("%s\n", list.Dump().c_str());
  } else {
    std::printf("%s", table.Text().c_str());
  }
  return all ? kExitDone : kExitUsage;
}

Json InputJson(const passbench::TensorMeta& input) {
  return {{"name", input.name},
          {"dtype", passbench::DTypeName(input.dtype)},
          {"shape", input.shape},
          {"bytes", input.Bytes()},
          {"kind", passbench::InputKindName(passbench::KindOf(input))},
          {"mean", OrNull(input.mean)},
          {"std", OrNull(input.std)},
          {"min", input.min_val ? Json(passbench::AsDouble(*input.min_val)) : Json()},
          {"max", input.max_val ? Json(passbench::AsDouble(*input.max_val)) : Json()}};
}

Json GraphJson(const passbench::Graph& graph) {
  Json inputs = Json::MakeArray();
  for (const passbench::TensorMeta& input : graph.inputs) inputs.Push(InputJson(input));
  return {{"path", graph.path},
          {"dir", graph.dir.native()},
          {"dtype", graph.Dtype()},
          {"ops", graph.ops()},
          {"outputs", graph.model.outputs},
          {"device_literals", graph.model.device_literals.size()},
          {"input_bytes", graph.InputBytes()},
          {"inputs", inputs}};
}

void PrintGraph(const passbench::Graph& graph) {
  std::printf("\n%s\n  %s, %s of inputs, %zu output%s\n  ops: %s\n", graph.path.c_str(), graph.Dtype().c_str(),
              ShowBytes(graph.InputBytes()).c_str(), graph.model.outputs, graph.model.outputs == 1 ? "" : "s",
              Joined(graph.ops(), " ").c_str());
  for (const passbench::TensorMeta& input : graph.inputs) {
    std::printf("  %s: %s, %s\n", input.name.c_str(), ShowShape(input).c_str(),
                passbench::InputKindName(passbench::KindOf(input)));
  }
}

int Show(const TaskFlags& flags) {
  auto task = passbench::LoadTask(flags.path);
  if (!task) return Fail(task.error());
  if (flags.json) {
    Json graphs = Json::MakeArray();
    for (const passbench::Graph& graph : task->graphs) graphs.Push(GraphJson(graph));
    const Json json{
        {"schema", "passnet.task/1"}, {"task", task->name}, {"path", task->dir.native()}, {"graphs", graphs}};
    std::printf("%s\n", json.Dump().c_str());
    return kExitDone;
  }
  std::printf("%s\n%zu graph%s, %s\n", task->name.c_str(), task->graphs.size(), task->graphs.size() == 1 ? "" : "s",
              Joined(DtypesOf(*task), " ").c_str());
  for (const passbench::Graph& graph : task->graphs) PrintGraph(graph);
  return kExitDone;
}

// A list for `export --decontaminate`: a task a line.
int Marks(const TaskFlags& flags) {
  auto dirs = passbench::FindTasks(flags.path);
  if (!dirs) return Fail(dirs.error());
  if (dirs->empty()) return Fail(NotFound(flags.path + ": no folder with a graph_list.txt in it or below it"));
  Json tasks = Json::MakeArray();
  bool all = true;
  for (const fs::path& dir : *dirs) {
    auto marks = MarksOfFolder(dir);
    if (!marks) {
      Fail(marks.error());
      all = false;
      continue;
    }
    const std::vector<std::string> ops(marks->ops.begin(), marks->ops.end());
    tasks.Push({{"task", marks->name}, {"content", marks->content}, {"ops", ops}});
    if (!flags.json) std::printf("%s %s %s\n", marks->name.c_str(), marks->content.c_str(), Joined(ops, " ").c_str());
  }
  if (flags.json) {
    const Json json{{"schema", "passnet.task_marks/1"}, {"root", flags.path}, {"tasks", tasks}};
    std::printf("%s\n", json.Dump().c_str());
  }
  return all ? kExitDone : kExitUsage;
}

Command SubVerb(const char* name, const char* help, const char* argument, int (*act)(const TaskFlags&)) {
  auto flags = std::make_shared<TaskFlags>();
  Command verb{.name = name, .help = help, .run = [flags, act] { return act(*flags); }};
  verb.options = {
      {.name = argument, .help = "", .value = &flags->path, .required = true},
      {"--json", "one object as the last line", &flags->json},
  };
  return verb;
}

}  // namespace

Command TaskVerb() {
  return {
      .name = "task",
      .help = "list PassBench task folders, show one, or print the marks by which they are known again",
      .footer =
          "Examples:\n  passnet task list samples/hf_subgraphs_v2\n  passnet task show tasks/bias_gelu_layernorm",
      .verbs = {
          SubVerb("list", "every task folder at or below TASKSET (JSON: passnet.task_list/1)", "TASKSET", List),
          SubVerb("show", "graphs, inputs and operators of one task folder (JSON: passnet.task/1)", "DIR", Show),
          SubVerb("marks", "name, content hash and op-sequence hashes of each, for export --decontaminate (JSON: "
                  "passnet.task_marks/1)", "TASKSET", Marks)}};
}

}  // namespace passnet::cli
