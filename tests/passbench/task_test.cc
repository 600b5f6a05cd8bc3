#include "passbench/task.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "tests/fakes/shared_data.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::passbench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModel =
    "import torch\nclass GraphModule(torch.nn.Module):\n    def forward(self, in_0, w_0):\n"
    "        tmp_0 = in_0.to(torch.device('cuda:0')) + w_0\n        return (tmp_0,)\n";
constexpr std::string_view kMeta =
    "class B:\n\tname = 'w_0'\n\tshape = [3]\n\tdtype = 'torch.float32'\n"
    "\tdevice = 'cuda:0'\n\tmean = 0.0\n\tstd = 1.0\n"
    "class A:\n\tname = 'in_0'\n\tshape = [2, 3]\n\tdtype = 'torch.float16'\n"
    "\tdevice = 'cuda:0'\n\tmean = 0.0\n\tstd = 1.0\n";

// A data set with one task, <root>/samples/t, and one graph, <root>/graphs/g.
class TaskTest : public testing::Test {
 protected:
  void SetUp() override {
    Write("samples/t/graph_list.txt", "graphs/g\n\n");
    Write("graphs/g/model.py", kModel);
    Write("graphs/g/weight_meta.py", kMeta);
  }

  void Write(const std::string& file, std::string_view text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }
  Result<Task> Load() { return LoadTask(root_ / "samples/t/"); }
  std::string Refusal() {
    auto task = Load();
    return task ? "accepted" : task.error().context;
  }

  const fakes::TempFolder temp_{"task"};
  const fs::path root_ = temp_.path();
};

TEST_F(TaskTest, FindsGraphsBelowAParentAndBindsInputsByName) {
  auto task = Load();
  ASSERT_TRUE(task.has_value()) << task.error().context;
  EXPECT_EQ(task->name, "t");
  ASSERT_EQ(task->graphs.size(), 1u);
  const Graph& graph = task->graphs[0];
  EXPECT_EQ(graph.path, "graphs/g");
  ASSERT_EQ(graph.inputs.size(), 2u);
  EXPECT_EQ(graph.inputs[0].name, "in_0");
  EXPECT_EQ(graph.inputs[1].class_name, "B");
  EXPECT_EQ(graph.InputBytes(), 24u);
  EXPECT_EQ(graph.Dtype(), "float16");
}

TEST_F(TaskTest, OwnGraphsFolderWinsOverAParents) {
  Write("samples/t/graphs/g/model.py", kModel);
  Write("samples/t/graphs/g/weight_meta.py", kMeta);
  EXPECT_EQ(Load().value().graphs[0].dir, root_ / "samples/t/graphs/g");
}

// Whatever lies in the folder beside them, and wherever the graphs lie: the same files are the same task.
TEST_F(TaskTest, FilesWrittenElsewhereAreTheSameTask) {
  const Task task = Load().value();
  Write("copy/note.txt", "nobody reads it");
  ASSERT_TRUE(WriteTaskFiles(root_ / "copy", TaskFiles(task)));
  const Task copy = LoadTask(root_ / "copy").value();
  EXPECT_EQ(copy.graphs[0].dir, root_ / "copy/graphs/g");
  EXPECT_EQ(TaskHash(copy), TaskHash(task));
  EXPECT_EQ(TaskFiles(copy), TaskFiles(task));
  EXPECT_TRUE(LoadTask(root_ / "copy", TaskHash(task)));
  EXPECT_TRUE(LoadTask(root_ / "copy", ""));
  for (const char* path : {"../out", "/tmp/out", "a/../../out", ""}) {
    EXPECT_EQ(WriteTaskFiles(root_ / "other", {{path, "x"}}).error().code, ErrorCode::kInvalidArgument) << path;
  }
}

TEST_F(TaskTest, FolderThatHasChangedIsRefused) {
  const std::string hash = TaskHash(Load().value());
  for (const char* file : {"graphs/g/model.py", "graphs/g/weight_meta.py"}) {
    std::ofstream(root_ / file, std::ios::app) << "\n";
    auto changed = LoadTask(root_ / "samples/t", hash);
    ASSERT_FALSE(changed) << file;
    EXPECT_EQ(changed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(changed.error().context.find("has changed"), std::string::npos);
    Write("graphs/g/model.py", kModel);
    Write("graphs/g/weight_meta.py", kMeta);
  }
  EXPECT_TRUE(LoadTask(root_ / "samples/t", hash));
}

TEST_F(TaskTest, ListedPathMustStayBelow) {
  for (const char* path : {"/etc", "../x", "graphs/../../x"}) {
    Write("samples/t/graph_list.txt", std::string("graphs/g\n") + path + "\n");
    EXPECT_NE(Refusal().find("graph_list.txt:2: \"" + std::string(path) + "\"; a relative path"), std::string::npos)
        << Refusal();
  }
}

TEST_F(TaskTest, MissingThingsAreNamed) {
  Write("samples/t/graph_list.txt", "graphs/none\n");
  EXPECT_NE(Refusal().find("graph_list.txt:1: graphs/none is neither"), std::string::npos) << Refusal();
  Write("samples/t/graph_list.txt", "\n");
  EXPECT_NE(Refusal().find("no graph is listed"), std::string::npos) << Refusal();
  fs::remove(root_ / "samples/t/graph_list.txt");
  EXPECT_NE(Refusal().find("graph_list.txt"), std::string::npos) << Refusal();
  Write("samples/t/graph_list.txt", "graphs/g\n");
  fs::remove(root_ / "graphs/g/weight_meta.py");
  EXPECT_NE(Refusal().find("weight_meta.py"), std::string::npos) << Refusal();
}

TEST_F(TaskTest, ParametersAndTensorsMustAgree) {
  const std::string meta(kMeta);
  Write("graphs/g/weight_meta.py", meta.substr(0, meta.find("class A")));
  EXPECT_NE(Refusal().find("weight_meta.py: forward's parameter in_0 has no class"), std::string::npos) << Refusal();
  Write("graphs/g/weight_meta.py", meta + "class C:\n\tname = 'x'\n\tshape = []\n\tdtype = 'int8'\n");
  EXPECT_NE(Refusal().find("weight_meta.py:15: tensor x is not a parameter"), std::string::npos) << Refusal();
}

TEST_F(TaskTest, OversizedInputSetIsRefused) {
  std::string meta(kMeta);
  for (size_t at; (at = meta.find("[3]")) != std::string::npos;) meta.replace(at, 3, "[1000000000]");
  for (size_t at; (at = meta.find("[2, 3]")) != std::string::npos;) meta.replace(at, 6, "[1000000000]");
  Write("graphs/g/weight_meta.py", meta);
  EXPECT_NE(Refusal().find("the inputs take 6000000000 bytes"), std::string::npos) << Refusal();
}

TEST_F(TaskTest, OversizedFileIsRefused) {
  Write("graphs/g/model.py", std::string(kModel) + std::string(kMaxModelBytes, '#'));
  EXPECT_EQ(Load().error().code, ErrorCode::kResourceExhausted);
}

TEST_F(TaskTest, CacheKeyDependsOnEverythingThatMatters) {
  const Graph graph = Load().value().graphs[0];
  Graph other_meta = graph;
  other_meta.weight_meta_source += " ";
  const RunEnvironment base{"cpu", 1, false, "2.13.0+cpu"};
  const std::set<std::string> keys{CaptureCacheKey(graph, base),
                                   CaptureCacheKey(other_meta, base),
                                   CaptureCacheKey(graph, {"cuda:0", 1, false, "2.13.0+cpu"}),
                                   CaptureCacheKey(graph, {"cpu", 2, false, "2.13.0+cpu"}),
                                   CaptureCacheKey(graph, {"cpu", 1, true, "2.13.0+cpu"}),
                                   CaptureCacheKey(graph, {"cpu", 1, false, "2.13.1+cpu"})};
  EXPECT_EQ(keys.size(), 6u);
  EXPECT_EQ(CaptureCacheKey(graph, base), CaptureCacheKey(Load().value().graphs[0], base));
}

TEST_F(TaskTest, FindTasksStopsAtTaskFolders) {
  Write("samples/a/b/graph_list.txt", "graphs/g\n");
  auto found = FindTasks(root_);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, (std::vector<fs::path>{root_ / "samples/a/b", root_ / "samples/t"}));
  EXPECT_EQ(FindTasks(root_ / "samples/t").value().size(), 1u);
  EXPECT_EQ(FindTasks(root_ / "none").error().code, ErrorCode::kNotFound);
}

// The lines of INDEX.tsv by graph and column.
std::map<std::string, std::map<std::string, std::string>> ReadIndex() {
  std::map<std::string, std::map<std::string, std::string>> index;
  std::ifstream file(fakes::SharedData("passbench/INDEX.tsv"));
  std::vector<std::string> columns;
  for (std::string line; std::getline(file, line);) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, '\t');) cells.push_back(cell);
    if (columns.empty()) {
      columns = cells;
      continue;
    }
    for (size_t i = 0; i < cells.size(); ++i) index[cells.at(1)][columns[i]] = cells[i];
  }
  return index;
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::string InputsColumn(const Graph& graph) {
  std::string text;
  for (const TensorMeta& input : graph.inputs) {
    std::string shape;
    for (int64_t size : input.shape) shape += (shape.empty() ? "" : "x") + std::to_string(size);
    if (input.shape.empty()) shape = "scalar";
    text += (text.empty() ? "" : ";") + input.name + ":" + shape + ":" + std::string(DTypeName(input.dtype));
  }
  return text;
}

TEST(RealTasksTest, EveryGraphIsReadAsTheIndexDescribesIt) {
  PASSNET_NEEDS_SHARED_DATA("passbench/INDEX.tsv");
  auto index = ReadIndex();
  auto dirs = FindTasks(fakes::SharedData("passbench")).value();
  EXPECT_EQ(dirs.size(), 35u);
  std::set<std::string> seen;
  for (const fs::path& dir : dirs) {
    auto task = LoadTask(dir);
    ASSERT_TRUE(task.has_value()) << task.error().context;
    for (const Graph& graph : task->graphs) {
      auto row = index.find(graph.path);
      ASSERT_NE(row, index.end()) << graph.path;
      seen.insert(graph.path);
      EXPECT_EQ(Joined(graph.ops()), row->second["ops"]) << graph.path;
      EXPECT_EQ(std::to_string(graph.ops().size()), row->second["n_ops"]) << graph.path;
      EXPECT_EQ(graph.Dtype(), row->second["dtype"]) << graph.path;
      EXPECT_EQ(std::to_string(graph.InputBytes()), row->second["input_bytes"]) << graph.path;
      EXPECT_EQ(InputsColumn(graph), row->second["inputs"]) << graph.path;
      EXPECT_EQ(graph.model.device_literals.empty(), row->second["cuda_literals"] == "0") << graph.path;
      EXPECT_EQ(graph.MappedSource("cpu").find("cuda"), std::string::npos) << graph.path;
    }
  }
  EXPECT_EQ(seen.size(), index.size());
}

}  // namespace
}  // namespace passnet::passbench
