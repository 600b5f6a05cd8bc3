// Tasks that benchmarks make for themselves: (a + b) * b on float32 rows, one graph a row count, in PassBench's layout,
// with a fused pass of one native kernel.
// Threads: thread-compatible. Owns: the temporary folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluator/api/evaluation.h"

namespace passnet::bench {

class SyntheticTask {
 public:
  // One graph per entry of `rows`, each [rows, 256]. `repeat` chains the operators, to make a graph slower.
  SyntheticTask(const std::vector<int>& rows, int repeat);
  ~SyntheticTask();
  SyntheticTask(const SyntheticTask&) = delete;
  SyntheticTask& operator=(const SyntheticTask&) = delete;

  const std::filesystem::path& dir() const { return dir_; }
  std::vector<std::filesystem::path> graphs() const;
  // The pass for repeat == 1.
  static std::vector<evaluator::CandidateFile> FusedPass();

 private:
  std::filesystem::path dir_;
};

// Where benchmarks keep compiled kernels and baselines between runs: in the build folder.
std::string CacheDir();

// Runs bench/upstream_yardstick.py on one graph folder in a fresh Python process: what PassNet's own harness does for a
// graph. Gives its speed-up of the graph against itself; `seconds` is the whole process's time. NaN when it failed.
double RunYardstick(const std::filesystem::path& graph, double* seconds);

}  // namespace passnet::bench
