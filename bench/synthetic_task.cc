#include "bench/synthetic_task.h"

#include <stdlib.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <limits>

#include "evaluator/client/installation.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;

// What is used for the last time is let go in the same line, as PassBench's models do it: an eager side that held all of
// its temporaries to the end would use more memory than the graph that Dynamo makes of it.
std::string ModelSource(int repeat) {
  std::string text = "import torch\n\nclass GraphModule(torch.nn.Module):\n\n    def forward(self, in_0, in_1):\n";
  std::string last = "in_0";
  int next = 0;
  for (int i = 0; i < repeat; ++i) {
    std::string sum = "tmp_" + std::to_string(next++), product = "tmp_" + std::to_string(next++);
    text += "        " + sum + " = " + last + " + in_1;  " + last + " = None\n";
    text += "        " + product + " = " + sum + " * in_1;  " + sum + " = " + (i + 1 == repeat ? "in_1 = " : "") + "None\n";
    last = product;
  }
  return text + "        return (" + last + ",)\n";
}

std::string MetaSource(int rows) {
  std::string text;
  for (const char* name : {"in_0", "in_1"}) {
    text += std::string("class Program_weight_tensor_meta_") + name + ":\n\tname = \"" + name +
            "\"\n\toriginal_name = \"" + name + "\"\n\tshape = [" + std::to_string(rows) +
            ", 256]\n\tdtype = \"torch.float32\"\n\tdevice = \"cuda:0\"\n\tmean = 0.000\n\tstd = 1.000\n\n\n";
  }
  return text;
}

constexpr const char* kPass = R"(import torch
import passnet_kernels

_k = passnet_kernels.load("fused")


def pattern(a, b):
    return (a + b) * b


def replacement_args(a, b):
    return (a, b)


@torch.fx.wrap
def fused(a, b):
    out = torch.empty_like(a)
    _k.fused((a, b), (out,))
    return out


def replacement_func():
    return fused
)";

constexpr const char* kKernel = R"(#include <passnet_kernel.h>

extern "C" int fused(const PnCall* call) {
  const float* a = static_cast<const float*>(call->inputs[0].data);
  const float* b = static_cast<const float*>(call->inputs[1].data);
  float* out = static_cast<float*>(call->outputs[0].data);
  int64_t count = call->inputs[0].shape[0] * call->inputs[0].shape[1];
  for (int64_t i = 0; i < count; ++i) out[i] = (a[i] + b[i]) * b[i];
  return 0;
}
)";

constexpr const char* kTritonPass = R"(import torch
import triton
import triton.language as tl


@triton.jit
def fused_kernel(a_ptr, b_ptr, out_ptr, count, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < count
    a = tl.load(a_ptr + at, mask=inside)
    b = tl.load(b_ptr + at, mask=inside)
    tl.store(out_ptr + at, (a + b) * b, mask=inside)


def pattern(a, b):
    return (a + b) * b


def replacement_args(a, b):
    return (a, b)


@torch.fx.wrap
def fused(a, b):
    out = torch.empty_like(a)
    count = a.numel()
    fused_kernel[(triton.cdiv(count, 1024),)](a, b, out, count, BLOCK=1024)
    return out


def replacement_func():
    return fused
)";

}  // namespace

BenchFolder::BenchFolder(const std::string& name) {
  std::string pattern = (fs::temp_directory_path() / ("passnet-bench-" + name + "-XXXXXX")).native();
  path_ = ::mkdtemp(pattern.data());
}

BenchFolder::~BenchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

SyntheticTask::SyntheticTask(const std::vector<int>& rows, int repeat) {
  std::ofstream list(dir() / "graph_list.txt");
  for (int count : rows) {
    std::string name = "graphs/rows_" + std::to_string(count);
    fs::create_directories(dir() / name);
    std::ofstream(dir() / name / "model.py") << ModelSource(repeat);
    std::ofstream(dir() / name / "weight_meta.py") << MetaSource(count);
    list << name << "\n";
  }
}

std::vector<fs::path> SyntheticTask::graphs() const {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(dir() / "graphs")) folders.push_back(entry.path());
  return folders;
}

std::vector<evaluator::CandidateFile> SyntheticTask::FusedPass() {
  return {{"sorted_output_pass_rule_names.json", "[\"Fuse\"]"}, {"Fuse.py", kPass}, {"fused.cc", kKernel}};
}

std::vector<evaluator::CandidateFile> SyntheticTask::FusedTritonPass() {
  return {{"sorted_output_pass_rule_names.json", "[\"Fuse\"]"}, {"Fuse.py", kTritonPass}};
}

std::string CacheDir() {
  const auto installed = evaluator::FindInstallation("");
  return installed ? (installed.value().worker_dir.parent_path().parent_path() / "bench-cache").native() : "bench-cache";
}

double RunYardstick(const fs::path& graph, double* seconds, bool on_gpu) {
  const auto installed = evaluator::FindInstallation("");
  if (!installed) return std::numeric_limits<double>::quiet_NaN();
  const fs::path yardstick = installed.value().worker_dir.parent_path() / "bench/upstream_yardstick.py";
  const std::string command = "OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 taskset -c \"$(($(nproc) - 1))\" '" +
                              installed.value().python + "' '" + yardstick.native() + "' '" + graph.native() + "' " +
                              (on_gpu ? "cuda" : "cpu");
  auto started = std::chrono::steady_clock::now();
  FILE* pipe = ::popen(command.c_str(), "r");
  double speedup = std::numeric_limits<double>::quiet_NaN();
  if (pipe == nullptr || std::fscanf(pipe, "%lf", &speedup) != 1) speedup = std::numeric_limits<double>::quiet_NaN();
  if (pipe != nullptr && ::pclose(pipe) != 0) speedup = std::numeric_limits<double>::quiet_NaN();
  *seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return speedup;
}

}  // namespace passnet::bench
