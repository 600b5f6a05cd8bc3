// One lane as the daemon holds it: a bounded queue in front of a LaneClient that lives on a thread of its own, is
// started when first needed and started again after it died. A lane process ends with the thread that started it, so
// that thread lives as long as the service.
// Threads: loop-only; the LaneClient itself is only used on the lane's thread (`pn-work-lane`), its Cancel excepted.
// Owns: the thread and the client.
// Errors: kOverloaded (queue full), kCancelled, kDeadlineExceeded, and the lane's own. After kUnavailable the next
// request starts a new lane process.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "agent/loop/ports.h"
#include "base/clock.h"
#include "base/work_pool.h"
#include "evaluator/client/lane_client.h"

namespace passnet::agent {

struct LaneServiceOptions {
  size_t queue_capacity = 256;                    // chosen: more than trajectories that run at once
  Nanos start_limit = std::chrono::seconds(120);  // imports torch; measured 2 to 10 s on two busy cores
  Nanos evaluate_limit = std::chrono::minutes(30);
  Nanos baseline_limit = std::chrono::minutes(30);
  Nanos describe_limit = std::chrono::minutes(10);
};

class LaneService : public Lane {
 public:
  using StartFn = std::function<Result<std::unique_ptr<evaluator::LaneClient>>(Deadline)>;

  LaneService(std::string name, StartFn start, LaneServiceOptions options);
  ~LaneService() override;

  Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request, std::stop_token cancel) override;
  Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request, std::stop_token cancel) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override;

  // For reports of the daemon's state.
  struct Facts {
    std::string name;
    std::string state;    // "idle" | "busy" | "down"
    std::string working_on;
    int64_t queued = 0;   // waiting, the running one not counted
    int64_t served = 0;
    int64_t starts = 0;   // of the lane process
    std::string last_error;
  };
  Facts facts() const;

 private:
  struct Shared;
  template <typename T, typename Fn>
  Task<Result<T>> Ask(std::string what, std::stop_token cancel, Fn fn);

  const LaneServiceOptions options_;
  std::shared_ptr<Shared> shared_;
  WorkPool pool_;
};

}  // namespace passnet::agent
