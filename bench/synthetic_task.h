// Tasks that benchmarks make for themselves: (a + b) * b on float32 rows, one graph a row count, in PassBench's layout,
// with a fused pass of one native kernel.
// Threads: thread-compatible. Owns: temporary folders.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"

namespace passnet::bench {

// A folder of a benchmark's own, removed with everything in it at the end.
class BenchFolder {
 public:
  explicit BenchFolder(const std::string& name);
  ~BenchFolder();
  BenchFolder(const BenchFolder&) = delete;
  BenchFolder& operator=(const BenchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class SyntheticTask {
 public:
  // One graph per entry of `rows`, each [rows, 256]. `repeat` chains the operators, to make a graph slower.
  SyntheticTask(const std::vector<int>& rows, int repeat);

  const std::filesystem::path& dir() const { return folder_.path(); }
  std::vector<std::filesystem::path> graphs() const;
  // The pass for repeat == 1; the second for a GPU.
  static std::vector<evaluator::CandidateFile> FusedPass();
  static std::vector<evaluator::CandidateFile> FusedTritonPass();

 private:
  BenchFolder folder_{"task"};
};

// Where benchmarks keep compiled kernels and baselines between runs: in the build folder.
std::string CacheDir();

// Runs bench/upstream_yardstick.py on one graph folder in a fresh Python process: what PassNet's own harness does for a
// graph, on the first GPU where that is asked for. Gives its speed-up of the graph against itself; `seconds` is the whole
// process's time. NaN when it failed.
double RunYardstick(const std::filesystem::path& graph, double* seconds, bool on_gpu = false);

}  // namespace passnet::bench
