// A PassBench task folder as plain structs: its graphs, their sources, inputs and operators.
// Threads: thread-safe and blocking functions; immutable values. Owns everything it holds.
// Errors: kInvalidArgument and kNotFound naming file, line and what was expected; kResourceExhausted for files and
// input sets beyond the bounds below; kIo. All of them poison this task only.
// Source: docs/passbench.md, sections 1 to 3.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "passbench/model_source.h"
#include "passbench/weight_meta.h"

namespace passnet::passbench {

// Chosen: real model.py files stay below 8 KiB and weight_meta.py below 32 KiB (188 graphs looked at).
inline constexpr size_t kMaxModelBytes = 1u << 20;
inline constexpr size_t kMaxMetaBytes = 4u << 20;
inline constexpr size_t kMaxGraphListBytes = 1u << 20;
inline constexpr size_t kMaxGraphs = 1000;

struct Graph {
  std::string path;           // as graph_list.txt has it: the graph's name in reports
  std::filesystem::path dir;  // where it was found
  ModelSource model;
  std::string weight_meta_source;
  std::vector<TensorMeta> inputs;  // in the order of forward's parameters

  const std::string& model_source() const { return model.text; }
  std::string MappedSource(std::string_view device) const { return model.MappedTo(device); }
  const std::vector<std::string>& forward_parameters() const { return model.forward_parameters; }
  const std::vector<std::string>& ops() const { return model.ops; }
  uint64_t InputBytes() const;
  // The variant's type: the one in `path`, else the floating type of most input bytes, else the first input's.
  std::string Dtype() const;
};

struct Task {
  std::filesystem::path dir;
  std::string name;  // the folder's name
  std::vector<Graph> graphs;
};

// Reads graph_list.txt of `dir` and every graph that it lists. A listed path is looked for below `dir` first and then
// below each parent, because the data set links `graphs/` into every task folder and copies of it drop the link.
Result<Task> LoadTask(const std::filesystem::path& dir);

// sha256 over what a measurement of the task depends on: each graph's path, model.py and weight_meta.py, in the order of
// the list. The folder's name and place do not matter, nor do its other files.
std::string TaskHash(const Task& task);

// The folder, if its files hash to `hash`; an empty one stands for whatever lies there.
Result<Task> LoadTask(const std::filesystem::path& dir, std::string_view hash);

// The files of a folder with that hash, by their paths in it: what LoadTask reads, and nothing else.
std::map<std::string, std::string> TaskFiles(const Task& task);

// Writes such files into `dir`, which is made. kInvalidArgument for a path that leads out of it.
Status WriteTaskFiles(const std::filesystem::path& dir, const std::map<std::string, std::string>& files);

// One graph folder: model.py and weight_meta.py, which must agree on forward's parameters.
Result<Graph> LoadGraph(const std::filesystem::path& dir, std::string path);

// Task folders at `root` or anywhere below it (folders that hold graph_list.txt), in the order of their paths.
Result<std::vector<std::filesystem::path>> FindTasks(const std::filesystem::path& root);

// What a captured graph and a reference depend on.
struct RunEnvironment {
  std::string device;       // "cpu", "cuda:0"
  int threads = 1;
  bool grad_enabled = false;
  std::string torch_build;  // "2.13.0+cpu"
};

// sha256 over the device-mapped model.py, weight_meta.py and the environment. Not graph_hash.txt: that covers model.py
// alone, and most graphs share it with another shape or type.
std::string CaptureCacheKey(const Graph& graph, const RunEnvironment& environment);

}  // namespace passnet::passbench
