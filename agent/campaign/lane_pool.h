// The evaluation port over several evaluator processes that share one timing core: while one of them times, another
// compiles, captures or waits for TorchInductor. Which of them measures does not matter; the core's lock keeps their
// measurements apart.
// Each process has a bounded queue and a thread of its own (`pn-work-lane`), is started when first needed and again
// after it died. It ends with the thread that started it, so that thread lives as long as the pool.
// Threads: loop-only; facts() and state() are thread-safe. A LaneClient is used on its own thread, its Cancel excepted.
// Owns: threads and clients.
// Errors: kOverloaded (queue full), kCancelled, kDeadlineExceeded, and the client's own. After kUnavailable the next
// request starts a new process. An evaluation has its second try here: evaluator/client/second_try.h.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/loop/ports.h"
#include "base/clock.h"
#include "evaluator/client/lane_client.h"

namespace passnet::agent {

struct LanePoolOptions {
  size_t queue_capacity = 256;                    // chosen: more than trajectories that run at once
  Nanos start_limit = std::chrono::seconds(120);  // imports torch; measured 2 to 10 s on two busy cores
  Nanos evaluate_limit = std::chrono::minutes(30);
  Nanos baseline_limit = std::chrono::minutes(30);
  Nanos describe_limit = std::chrono::minutes(10);
};

// One process of the pool, for reports of the daemon's state.
struct LaneFacts {
  std::string name;
  std::string state;  // "idle" | "busy" | "down"
  std::string working_on;
  int64_t queued = 0;  // waiting, the running one not counted
  int64_t served = 0;
  int64_t starts = 0;
  std::string last_error;
};

class LanePool : public EvaluationPort {
 public:
  using StartFn = std::function<Result<std::unique_ptr<evaluator::LaneClient>>(Deadline)>;
  struct Member {
    std::string name;
    StartFn start;  // called on the member's thread
  };

  // At least one member.
  explicit LanePool(std::vector<Member> members, const LanePoolOptions& options = {});
  ~LanePool() override;

  // Evaluations and descriptions go to the process with the least to do; the first of several.
  Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request,
                                                     std::stop_token cancel) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override;
  // Always to the last: it keeps a warm TorchInductor process, which is expensive to have twice.
  Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request,
                                                   std::stop_token cancel) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override;

  std::vector<LaneFacts> facts() const;
  // "busy" when any works, "down" when none can, else "idle".
  std::string state() const;

 private:
  struct Shared;   // between the loop and one process's thread
  class Process;
  Process& LeastBusy();

  const LanePoolOptions options_;
  std::vector<std::unique_ptr<Process>> processes_;
};

}  // namespace passnet::agent
