// The first of the two phases of a Triton pass: a child in a jail of its own runs the pass once on each graph, on tensors of
// its shapes and types, so that Triton compiles every kernel that it will ask for. The child sees Python, torch and Triton with
// its ptxas; no shell, no compiler, nothing of the host besides. Its kernels are checked (triton_pack.h) and kept; timed
// processes get them before their jail closes, and compile nothing.
// Threads: blocking, thread-compatible; call from a thread that lives as long as the call (sandbox/run.h).
// Owns: the cache folder's files. No jail can write there.
// Errors: infrastructure only (kUnavailable: no jail, no Triton; kIo: the cache). What the candidate did wrong is a verdict.
// Source: docs/integrity.md, layer 4; docs/worker_protocol.md, section 10.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "sandbox/run.h"

namespace passnet::evaluator {

struct TritonCompilerOptions {
  std::filesystem::path python;  // that has torch and Triton
  std::vector<std::filesystem::path> folders;  // where they lie: the environments of that interpreter
  std::filesystem::path worker_dir;
  std::filesystem::path cache_dir;
  std::string architecture;  // of the lane's device, "sm_90"
  std::vector<int> cores;    // where children run: not the timing core
  // Chosen: importing torch and Triton takes 5 s, a kernel 0.3 to 3 s, an autotune as often as it has configurations.
  std::chrono::seconds wall{300};
  std::chrono::seconds cpu{280};
  uint64_t memory_bytes = 6ull << 30;
  size_t max_text_bytes = 16u << 10;
};

// One graph of a task and what is replaced in it.
struct TritonGraph {
  std::string path, source, module;
  Json inputs;  // [{"name", "shape", "dtype"}]
  Json plan;    // a match's
};

// What the child says of its work. Claims.
struct TritonNote {
  std::string graph, what;
};

struct TritonCompilation {
  Verdict verdict = Verdict::kOk;  // or kCompile, kTimeout, kOutOfMemory, kCrash, kTamper
  std::string reason;              // one line
  std::string pack;                // checked; empty unless kOk
  std::vector<TritonNote> kernels;    // "rows_kernel(x_ptr: *fp32, …; num_warps=4, …)"
  std::vector<TritonNote> autotuned;  // "rows_kernel: BLOCK=256, num_warps=4, … (not measured)"
  CompileDiagnostics diagnostics;     // the child's own words, bounded
};

class TritonCompiler {
 public:
  // Asks Triton and torch for their versions, in the jail: what the cache keys are made of.
  static Result<TritonCompiler> Create(TritonCompilerOptions options, Deadline deadline);

  // `files`: {name: text} of the candidate.
  Result<TritonCompilation> Compile(const Json& files, const std::vector<TritonGraph>& graphs, Deadline deadline) const;

  const std::string& version() const { return version_; }

 private:
  explicit TritonCompiler(TritonCompilerOptions options) : options_(std::move(options)) {}
  sandbox::RunSpec Spec() const;
  bool TakeKept(const std::filesystem::path& kept, TritonCompilation* compilation) const;
  Status TakeProducts(const sandbox::RunReport& report, const std::filesystem::path& kept, TritonCompilation* compilation) const;
  void TakeFailure(const sandbox::RunReport& report, TritonCompilation* compilation) const;
  std::string Trim(std::string text) const;

  TritonCompilerOptions options_;
  std::string version_;
};

}  // namespace passnet::evaluator
