// The process in which a candidate's code runs: everything it needs goes with its first frame, before its jail closes,
// and then its passes are imported and the rewritten graph is installed.
// Threads: thread-compatible, blocking. Errors: infrastructure; what the candidate did is a CallFailure.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/integrity/observations.h"
#include "evaluator/lane/prepare.h"
#include "evaluator/lane/side.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

struct CandidateFork {
  const PreparedCandidate& candidate;
  const Json& plan;  // a Match's
  const Side& side;  // whose memory it maps
  CallPath call_path = CallPath::kDynamo;
  uint64_t memory_limit_bytes = 0;  // of the lane; the graph's own need may set a lower one
  // Only these are made again, with the candidate's kernels and none of its Python; null: the candidate as it is.
  const LaunchList* replayed = nullptr;
  const std::string* triton_pack = nullptr;  // its kernels of Triton, checked; null: it has none
};

// Jailed, not yet installed.
Result<std::unique_ptr<WorkerProcess>> ForkCandidate(const std::shared_ptr<TaskChild>& task, const CandidateFork& fork);

// Waits until it says that it is installed: its own code ran by then, so every byte of the answer is hostile. Empty
// when it is ready to be called.
std::optional<CallFailure> AwaitInstalled(WorkerProcess& process, InstallPatience& patience);

}  // namespace passnet::evaluator
