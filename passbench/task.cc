#include "passbench/task.h"

#include <algorithm>
#include <map>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/sha256.h"

namespace passnet::passbench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGraphList = "graph_list.txt";

struct ListedGraph {
  std::string path;
  int line = 0;
};

std::string At(const fs::path& file, int line) { return file.native() + ":" + std::to_string(line); }

bool StaysBelow(const fs::path& path) {
  if (path.is_absolute()) return false;
  return std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

Result<std::vector<ListedGraph>> ReadGraphList(const fs::path& file) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file, kMaxGraphListBytes));
  std::vector<ListedGraph> listed;
  int number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    line.erase(line.find_last_not_of(" \t\r") + 1);
    line.erase(0, line.find_first_not_of(" \t"));
    if (line.empty()) continue;
    if (!StaysBelow(line) || line.find('\0') != std::string::npos) {
      return InvalidArgument(At(file, number) + ": \"" + line + "\"; a relative path without \"..\" is expected");
    }
    listed.push_back({std::move(line), number});
    if (listed.size() > kMaxGraphs) {
      return InvalidArgument(At(file, number) + ": more than " + std::to_string(kMaxGraphs) + " graphs are listed");
    }
  }
  if (listed.empty()) return InvalidArgument(file.native() + ": no graph is listed; one path a line is expected");
  return listed;
}

// Below the task folder, or below one of its parents.
Result<fs::path> Locate(const fs::path& task_dir, const ListedGraph& listed) {
  std::error_code error;
  for (fs::path base = task_dir;; base = base.parent_path()) {
    if (fs::is_directory(base / listed.path, error)) return base / listed.path;
    if (base == base.parent_path()) break;
  }
  return NotFound(At(task_dir / kGraphList, listed.line) + ": " + listed.path +
                  " is neither below the task folder nor below one of its parents");
}

// weight_meta's tensors in the order of forward's parameters, each exactly once.
Result<std::vector<TensorMeta>> Bind(const ModelSource& model, std::vector<TensorMeta> metas, const fs::path& dir) {
  std::map<std::string_view, TensorMeta*> by_name;
  for (TensorMeta& meta : metas) by_name[meta.name] = &meta;
  std::vector<TensorMeta> bound;
  for (const std::string& parameter : model.forward_parameters) {
    auto found = by_name.find(parameter);
    if (found == by_name.end()) {
      return InvalidArgument((dir / "weight_meta.py").native() + ": forward's parameter " + parameter +
                             " has no class; one with name = \"" + parameter + "\" is expected");
    }
    bound.push_back(*found->second);
    by_name.erase(found);
  }
  if (!by_name.empty()) {
    const TensorMeta& spare = *by_name.begin()->second;
    return InvalidArgument(At(dir / "weight_meta.py", spare.line) + ": tensor " + spare.name +
                           " is not a parameter of forward in model.py; only those are expected");
  }
  return bound;
}

Status CheckTotal(const Graph& graph) {
  if (graph.InputBytes() <= kMaxTensorBytes) return OkStatus();
  return InvalidArgument((graph.dir / "weight_meta.py").native() + ": the inputs take " +
                         std::to_string(graph.InputBytes()) + " bytes; at most " + std::to_string(kMaxTensorBytes) +
                         " are expected");
}

// So that "x/task/" and "." give the folder's name as well.
fs::path Normalised(const fs::path& dir) {
  std::error_code error;
  fs::path path = fs::canonical(dir, error);
  return error ? dir.lexically_normal() : path;
}

}  // namespace

uint64_t Graph::InputBytes() const {
  uint64_t bytes = 0;
  for (const TensorMeta& input : inputs) bytes += input.Bytes();
  return bytes;
}

std::string Graph::Dtype() const {
  // The data set sorts its variants into folders by type: …/fusible_subgraphs/<dtype>/<k>/samples/….
  for (const fs::path& part : fs::path(path)) {
    if (auto dtype = ParseDType(part.native()); dtype && IsFloating(*dtype)) return std::string(DTypeName(*dtype));
  }
  std::map<DType, uint64_t> bytes;
  for (const TensorMeta& input : inputs) {
    if (IsFloating(input.dtype)) bytes[input.dtype] += input.Bytes();
  }
  if (bytes.empty()) return inputs.empty() ? "" : std::string(DTypeName(inputs.front().dtype));
  auto most = std::max_element(bytes.begin(), bytes.end(), [](auto& a, auto& b) { return a.second < b.second; });
  return std::string(DTypeName(most->first));
}

Result<Graph> LoadGraph(const fs::path& dir, std::string path) {
  Graph graph;
  graph.path = std::move(path);
  graph.dir = dir;
  const fs::path model_file = dir / "model.py";
  const fs::path meta_file = dir / "weight_meta.py";
  ASSIGN_OR_RETURN(std::string model_text, ReadFile(model_file, kMaxModelBytes));
  ASSIGN_OR_RETURN(graph.weight_meta_source, ReadFile(meta_file, kMaxMetaBytes));
  ASSIGN_OR_RETURN(graph.model, ParseModelSource(std::move(model_text), model_file.native()));
  ASSIGN_OR_RETURN(std::vector<TensorMeta> metas, ParseWeightMeta(graph.weight_meta_source, meta_file.native()));
  ASSIGN_OR_RETURN(graph.inputs, Bind(graph.model, std::move(metas), dir));
  RETURN_IF_ERROR(CheckTotal(graph));
  return graph;
}

Result<Task> LoadTask(const fs::path& dir) {
  Task task;
  task.dir = Normalised(dir);
  task.name = task.dir.filename().native();
  ASSIGN_OR_RETURN(const std::vector<ListedGraph> listed, ReadGraphList(task.dir / kGraphList));
  for (const ListedGraph& graph : listed) {
    ASSIGN_OR_RETURN(const fs::path graph_dir, Locate(task.dir, graph));
    ASSIGN_OR_RETURN(task.graphs.emplace_back(), LoadGraph(graph_dir, graph.path));
  }
  return task;
}

std::string TaskHash(const Task& task) {
  Sha256 sha;
  for (const Graph& graph : task.graphs) {
    sha.UpdateField(graph.path).UpdateField(graph.model_source()).UpdateField(graph.weight_meta_source);
  }
  return ToHex(sha.Finish());
}

Result<Task> LoadTask(const fs::path& dir, std::string_view hash) {
  ASSIGN_OR_RETURN(Task task, LoadTask(dir));
  const std::string found = TaskHash(task);
  if (hash.empty() || found == hash) return task;
  return InvalidArgument("task folder " + dir.native() + " has changed: its files hash to " + found +
                         ", those that are asked for to " + std::string(hash) +
                         "; put the files of the launch back, or launch a new campaign");
}

std::map<std::string, std::string> TaskFiles(const Task& task) {
  std::map<std::string, std::string> files;
  std::string& list = files[std::string(kGraphList)];
  for (const Graph& graph : task.graphs) {
    list += graph.path + "\n";
    const fs::path dir = fs::path(graph.path).lexically_normal();
    files[(dir / "model.py").native()] = graph.model_source();
    files[(dir / "weight_meta.py").native()] = graph.weight_meta_source;
  }
  return files;
}

Status WriteTaskFiles(const fs::path& dir, const std::map<std::string, std::string>& files) {
  for (const auto& [name, bytes] : files) {
    const bool good = !name.empty() && StaysBelow(name) && name.find('\0') == std::string::npos;
    if (!good) return InvalidArgument("task file \"" + name + "\": a relative path without \"..\" is expected");
    const fs::path path = dir / name;
    std::error_code failed;
    fs::create_directories(path.parent_path(), failed);
    if (failed) return Error::FromErrno("mkdir", path.parent_path().native(), failed.value());
    RETURN_IF_ERROR(WriteFileAtomic(path, bytes));
  }
  return OkStatus();
}

Result<std::vector<fs::path>> FindTasks(const fs::path& root) {
  std::error_code error;
  std::vector<fs::path> found;
  if (fs::exists(root / kGraphList, error)) return std::vector<fs::path>{root};
  fs::recursive_directory_iterator walk(root, fs::directory_options::skip_permission_denied, error);
  if (error) return Error::FromErrno("open", root.native(), error.value());
  for (; walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    if (error) return Error::FromErrno("read", root.native(), error.value());
    if (!walk->is_directory(error)) continue;
    // The data set keeps tens of thousands of graph folders in one tree beside the tasks.
    if (walk->path().filename() == "graphs") walk.disable_recursion_pending();
    if (!fs::exists(walk->path() / kGraphList, error)) continue;
    found.push_back(walk->path());
    walk.disable_recursion_pending();
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string CaptureCacheKey(const Graph& graph, const RunEnvironment& environment) {
  Sha256 hash;
  hash.UpdateField("passnet capture key 1");
  hash.UpdateField(graph.MappedSource(environment.device));
  hash.UpdateField(graph.weight_meta_source);
  hash.UpdateField(environment.device);
  hash.UpdateField(std::to_string(environment.threads));
  hash.UpdateField(environment.grad_enabled ? "grad" : "no_grad");
  hash.UpdateField(environment.torch_build);
  return ToHex(hash.Finish());
}

}  // namespace passnet::passbench
