// Several evaluator processes that share one timing core, as one lane: while one of them times, another compiles, captures
// or waits for TorchInductor. Which of them measures does not matter; the core's lock keeps their measurements apart.
// Threads: loop-only. Owns: the services. Errors: the services'.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/campaign/lane_service.h"
#include "agent/loop/ports.h"

namespace passnet::agent {

class LaneGroup : public Lane {
 public:
  // At least one.
  explicit LaneGroup(std::vector<std::unique_ptr<LaneService>> services);

  // Evaluations and descriptions go to the service with the least to do; the first of several.
  Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request, std::stop_token cancel) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override;
  // Always to the last: it keeps a warm TorchInductor process, which is expensive to have twice.
  Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request, std::stop_token cancel) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override;

  std::vector<LaneService::Facts> facts() const;
  // "busy" when any works, "down" when none can, else "idle".
  std::string state() const;

 private:
  LaneService& LeastBusy();

  std::vector<std::unique_ptr<LaneService>> services_;
};

}  // namespace passnet::agent
