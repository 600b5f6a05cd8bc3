// Compiling a kernel of the bundled passes in its jail: cold, each time with other bytes, and from the cache. Beside it g++ with the same
// flags on the same file and no jail, in turn with the cold ones.
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "bench/bench_main.h"
#include "bench/bundled.h"
#include "bench/samples.h"
#include "bench/synthetic_task.h"
#include "evaluator/candidate/candidate.h"
#include "evaluator/client/installation.h"
#include "evaluator/compile/kernel_compiler.h"

namespace passnet::bench {
namespace {

namespace fs = std::filesystem;
using evaluator::Candidate;
using evaluator::KernelCompiler;

constexpr std::chrono::minutes kLimit{2};

// A bundled pass whose kernel has a comment that no other has.
Result<Candidate> CandidateNumber(std::vector<evaluator::CandidateFile> files, int number) {
  for (auto& file : files) {
    if (file.name.ends_with(".cc")) file.bytes += "// " + std::to_string(number) + "\n";
  }
  return evaluator::MakeCandidate(std::move(files));
}

Result<double> CompileOnce(const KernelCompiler& compiler, const Candidate& candidate, bool from_cache) {
  Lap lap;
  ASSIGN_OR_RETURN(auto kernels, compiler.Compile(candidate, Deadline::After(kLimit)));
  const double ms = lap.Ms();
  for (const auto& kernel : kernels) {
    if (!kernel.diagnostics.ok) return Internal("it does not compile: " + kernel.diagnostics.diagnostics);
    if (kernel.diagnostics.cached != from_cache) return Internal("the cache did not do what this is about");
  }
  return ms;
}

// The same without a jail and without a cache.
Result<double> CompileBare(const fs::path& folder, const fs::path& include_dir, const Candidate& candidate) {
  const std::string stem = candidate.kernels.front();
  std::ofstream(folder / "kernel.cc") << candidate.Find(stem + ".cc")->bytes;
  std::string command = "cd '" + folder.native() + "' && /usr/bin/g++";
  for (const std::string& flag : KernelCompiler::Flags()) command += " " + flag;
  command += " -I'" + include_dir.native() + "' -o kernel.so kernel.cc";
  Lap lap;
  const int status = std::system(command.c_str());
  const double ms = lap.Ms();
  if (status != 0) return Internal("g++ by itself failed");
  return ms;
}

struct Samples {
  std::vector<double> cold, bare, cached;
};

Result<Samples> CompileAll(const fs::path& folder, int rounds, int cached) {
  ASSIGN_OR_RETURN(const std::vector<BundledTask> tasks, BundledTasks());
  ASSIGN_OR_RETURN(const evaluator::Installation installed, evaluator::FindInstallation(""));
  evaluator::KernelCompilerOptions options;
  options.include_dir = installed.include_dir;
  options.cache_dir = folder / "cache";
  options.cores = {0};
  ASSIGN_OR_RETURN(const KernelCompiler compiler, KernelCompiler::Create(std::move(options), Deadline::After(kLimit)));
  Samples samples;
  const int cold = rounds * static_cast<int>(tasks.size());
  for (int i = 0; i < cold; ++i) {
    const BundledTask& task = tasks[static_cast<size_t>(i) % tasks.size()];
    ASSIGN_OR_RETURN(const Candidate candidate, CandidateNumber(task.pass, i));
    ASSIGN_OR_RETURN(const double jailed, CompileOnce(compiler, candidate, false));
    ASSIGN_OR_RETURN(const double bare, CompileBare(folder, installed.include_dir, candidate));
    samples.cold.push_back(jailed);
    samples.bare.push_back(bare);
    Progress("compile", i + 1, cold);
  }
  ASSIGN_OR_RETURN(const Candidate known, CandidateNumber(tasks.front().pass, 0));
  for (int i = 0; i < cached; ++i) {
    ASSIGN_OR_RETURN(const double ms, CompileOnce(compiler, known, true));
    samples.cached.push_back(ms);
  }
  return samples;
}

Result<BenchReport> Measure(int rounds, int cached) {
  const BenchFolder folder("compile");
  ASSIGN_OR_RETURN(const Samples samples, CompileAll(folder.path(), rounds, cached));
  BenchReport report("compile");
  report.Add("cold_p50_ms", Quantile(samples.cold, 0.5));
  report.Goal("cold_p50_ms", "max", 600);
  report.Add("bare_p50_ms", Quantile(samples.bare, 0.5));
  report.Add("cold_over_bare", Quantile(samples.cold, 0.5) / Quantile(samples.bare, 0.5));
  report.Add("cached_p50_ms", Quantile(samples.cached, 0.5));
  report.Goal("cached_p50_ms", "max", 1);
  report.Add("cached_p99_ms", Quantile(samples.cached, 0.99));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int rounds = 2, cached = 500;
  return passnet::bench::Main("compile", "Compiling one kernel: in its jail, without one, from the cache",
                              {passnet::bench::CountOption("--rounds", "each compiles the kernels of all bundled passes", &rounds),
                               passnet::bench::CountOption("--cached", "times from the cache", &cached)},
                              [&] { return passnet::bench::Measure(rounds, cached); }, argc, argv);
}
