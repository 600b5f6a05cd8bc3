// The agent's and the CLI's way to a lane. agent sees only this and evaluator/api; where the lane runs is not its
// business. Implementation: evaluator/client starts and supervises passnet-evaluator processes.
// Threads: blocking and thread-compatible: one call at a time a client; the daemon calls it from a worker pool. What
// cancels or ends it comes as stop tokens, which are states: whatever is under way looks at them, a start included.
// Errors: everything here is infrastructure (infra_*), never a candidate's fate: kUnavailable (lane died),
// kDeadlineExceeded, kCancelled, kInvalidArgument (malformed task folder: the message names file and line).
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

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
  // From now on requests end with kCancelled soon after `cancelled` is requested. A start is given up within a second; an
  // evaluator that is up is told and kept, and may take a while to hear.
  virtual void CancelWith(std::stop_token cancelled) = 0;
};

struct LaneClientOptions {
  std::string evaluator_binary;     // passnet-evaluator; empty: beside the running binary
  std::string cache_dir;            // compile, capture and baseline caches; created when missing
  std::string device = "cpu";       // or a CUDA device (evaluator/api/device_name.h)
  std::string nvcc;                 // of a CUDA lane; empty: the usual one, where there is one
  int threads = 1;                  // of torch and kernels, per side
  int timing_core = -1;             // -1: the last online core
  bool polled_limits = false;       // memory limits by looking at processes, even where control groups are
  std::vector<int> other_timing_cores;  // of other lanes of this host: nothing of this one runs there
  std::string ablate;               // layers to leave out (evaluator/lane/ablation.h): for tests and benches
  std::vector<std::string> further;  // arguments of passnet-evaluator: for tests, which have a stand-in driver
};

// Starts a lane process. Blocks until its Hello. One that leaves out layers without having been asked to is refused, so
// that an ablated report can never pass for a score. `stop` is the end of the client for all of its life: within a second
// whatever is under way ends with kCancelled, this start included, and the process is killed.
Result<std::unique_ptr<LaneClient>> StartLane(const LaneClientOptions& options, Deadline deadline,
                                              std::stop_token stop = {});

}  // namespace passnet::evaluator
