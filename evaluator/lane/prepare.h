// What of an evaluation needs no graph: the candidate's files are checked, screened, compiled, and its patterns traced.
// Threads: thread-compatible, blocking. Borrows: the compiler, what is kept.
// Errors: infrastructure; what the candidate did wrong is in the report.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/lane/ablation.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/match.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

// Time for all of a candidate's installations in one evaluation: without it, one that is slow in each of them uses up its
// client's deadline, and its task leaves the score instead of failing. Installing takes a second where it is slow.
struct InstallPatience {
  Nanos left = std::chrono::minutes(4);
  Nanos limit = std::chrono::minutes(1);       // of one installation
  Nanos limit_once_lost = std::chrono::seconds(2);
};

// A candidate ready to be installed into any graph of the task.
struct PreparedCandidate {
  Json traced;                          // the trace child's answer: a stranger's data, bounded
  Json files;                           // {"name": "text"}
  std::vector<CompiledKernel> kernels;  // all compiled
  bool uses_triton = false;             // its kernels are compiled once its patterns are matched (triton_kernels.h)
  std::shared_ptr<MatchPatience> patience = std::make_shared<MatchPatience>();
  std::shared_ptr<InstallPatience> installing = std::make_shared<InstallPatience>();  // of the maker thread
};

struct Workshop {
  std::shared_ptr<ForkParent> zygote;
  KernelCompiler* compiler;
  std::string device;  // for messages
  Nanos screen_limit = std::chrono::seconds(30);
  Nanos trace_limit = std::chrono::seconds(30);  // a pattern traces in milliseconds; beyond it, it hangs
  KeptAnswers* kept = nullptr;  // of screens and traces of this zygote; null: none are kept
  Ablation ablation = {};
  bool has_triton = false;  // of a CUDA lane
};

// A candidate that cannot go on gives nothing and has its verdict and reason in `report`; diagnostics, what it printed and
// the time of each step are there in any case.
Result<std::optional<PreparedCandidate>> PrepareCandidate(const Workshop& workshop, const EvaluateRequest& request,
                                                          EvaluationReport* report);

}  // namespace passnet::evaluator
