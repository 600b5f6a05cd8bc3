// Compiles a candidate's kernels in the compile jail, .cc by g++ and .cu by nvcc, checks what came out (kernel_check.h), and
// keeps the objects that passed by content, flags and compiler.
// Threads: blocking, thread-compatible; call from a thread that lives as long as the call (sandbox/run.h).
// Owns: the cache folder's files. No jail can write there.
// Errors: infrastructure only (kUnavailable: no jail, no compiler, a .cu without nvcc; kIo: the cache). A kernel that does not
// compile, or never ends compiling, is a Unit with ok = false and the compiler's words.
// Source: docs/integrity.md, layer 4.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/candidate/candidate.h"
#include "evaluator/compile/imports.h"
#include "evaluator/compile/nvcc.h"
#include "sandbox/run.h"

namespace passnet::evaluator {

// nvcc reads ten times the headers, and runs a compiler for the host and two for the device.
struct CudaCompilerOptions {
  std::filesystem::path nvcc;  // as FindCudaToolkit() takes it
  std::string architecture;    // of the lane's device, "sm_90"
  std::chrono::seconds wall{120};
  std::chrono::seconds cpu{110};
  uint64_t memory_bytes = 4ull << 30;
};

struct KernelCompilerOptions {
  std::string compiler = "/usr/bin/g++";
  std::filesystem::path include_dir;  // holds passnet_kernel.h
  std::filesystem::path cache_dir;
  std::vector<int> cores;             // where compilers run: not the timing core
  std::chrono::seconds wall{30};
  std::chrono::seconds cpu{25};
  uint64_t memory_bytes = 2ull << 30;
  size_t max_diagnostics_bytes = 16u << 10;
  bool check_products = true;         // false: for tests and benches that leave the layer out
  std::optional<CudaCompilerOptions> cuda;  // of a GPU lane
};

struct CompiledKernel {
  std::string stem;
  std::string object;    // the shared object's bytes; empty when it did not compile or breaks a rule
  std::string findings;  // rules that it breaks, as one line; empty when it breaks none
  CompileDiagnostics diagnostics;
};

class KernelCompiler {
 public:
  // Asks the compiler for its version, in the jail: what the cache keys are made of.
  static Result<KernelCompiler> Create(KernelCompilerOptions options, Deadline deadline);

  // Every kernel of the candidate, those of g++ first, in the order of their names; stops at nothing, so that all mistakes are
  // told at once.
  Result<std::vector<CompiledKernel>> Compile(const Candidate& candidate, Deadline deadline) const;

  const std::string& version() const { return version_; }
  // Empty without nvcc.
  const std::string& cuda_version() const { return cuda_version_; }
  // What it gives a kernel on this host (compiler_facts.h).
  const std::map<std::string, std::string>& facts() const { return facts_; }
  static std::vector<std::string> Flags();

 private:
  // A kernel's file, by its stem and who compiles it.
  struct Unit {
    std::string stem;
    KernelKind kind;
    std::string File() const { return stem + (kind == KernelKind::kCuda ? ".cu" : ".cc"); }
    bool Reads(const std::string& file) const;  // of the candidate's other files
  };

  explicit KernelCompiler(KernelCompilerOptions options) : options_(std::move(options)) {}
  Status AskHostCompiler(Deadline deadline);
  Status AskNvcc(Deadline deadline);
  Result<CompiledKernel> CompileOne(const Candidate& candidate, const Unit& unit, Deadline deadline) const;
  sandbox::RunSpec SpecFor(const Candidate& candidate, const Unit& unit) const;
  std::string TakeProducts(const sandbox::RunReport& report, KernelKind kind, CompiledKernel* kernel) const;
  std::string WhyFailed(const sandbox::RunOutcome& outcome, const sandbox::Limits& limits) const;
  std::string Trim(std::string text) const;
  std::string CacheKey(const Candidate& candidate, const Unit& unit) const;

  KernelCompilerOptions options_;
  std::string version_, cuda_version_;
  std::optional<CudaToolkit> toolkit_;
  std::map<std::string, std::string> facts_;
  std::vector<std::string> header_folders_, cuda_header_folders_;
};

}  // namespace passnet::evaluator
