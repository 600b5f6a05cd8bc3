// The agent's and the CLI's way to a lane. agent sees only this and evaluator/api; where the lane runs is not its
// business. Implementation: evaluator/client starts and supervises passnet-evaluator processes.
// Threads: blocking and thread-compatible: one call at a time a client; the daemon calls it from a worker pool.
// Errors: everything here is infrastructure (infra_*), never a candidate's fate: kUnavailable (lane died),
// kDeadlineExceeded, kCancelled, kInvalidArgument (malformed task folder: the message names file and line).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"

namespace passnet::evaluator {

// Called on the calling thread while a request runs: "compile", 1, 3.
using ProgressFn = std::function<void(const std::string& what, int done, int total)>;

class LaneClient {
 public:
  virtual ~LaneClient() = default;
  virtual Result<EvaluationReport> Evaluate(const EvaluateRequest& request, Deadline deadline,
                                            const ProgressFn& progress) = 0;
  virtual Result<BaselineReport> Baseline(const BaselineRequest& request, Deadline deadline,
                                          const ProgressFn& progress) = 0;
  virtual Result<TaskDescription> DescribeTask(const DescribeTaskRequest& request, Deadline deadline) = 0;
  // Facts of host, torch and sandbox that go into every report.
  virtual Result<std::map<std::string, std::string>> Environment(Deadline deadline) = 0;
  // Thread-safe: ends the request in flight with kCancelled.
  virtual void Cancel() = 0;
};

struct LaneClientOptions {
  std::string evaluator_binary;     // passnet-evaluator; empty: beside the running binary
  std::string cache_dir;            // compile, capture and baseline caches; created when missing
  std::string device = "cpu";
  int threads = 1;                  // of torch and kernels, per side
  int timing_core = -1;             // -1: the last online core
  bool polled_limits = false;       // memory limits by looking at processes, even where control groups are
  std::string ablate;               // layers to leave out (evaluator/lane/ablation.h): for tests and benches
};

// Starts a lane process. Blocks until its Hello. One that leaves out layers without having been asked to is refused, so
// that an ablated report can never pass for a score.
Result<std::unique_ptr<LaneClient>> StartLane(const LaneClientOptions& options, Deadline deadline);

}  // namespace passnet::evaluator
