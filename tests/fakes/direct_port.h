// The evaluation port straight over a LaneClient, on the loop's own thread.
// Threads: loop-only. Borrows: the client.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "agent/loop/ports.h"
#include "evaluator/client/lane_client.h"

namespace passnet::fakes {

class DirectPort : public agent::EvaluationPort {
 public:
  explicit DirectPort(evaluator::LaneClient* client) : client_(client) {}

  Task<Result<evaluator::EvaluationReport>> Evaluate(evaluator::EvaluateRequest request, std::stop_token) override;
  Task<Result<evaluator::BaselineReport>> Baseline(evaluator::BaselineRequest request, std::stop_token) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(evaluator::DescribeTaskRequest request,
                                                        std::stop_token) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token) override;

 private:
  evaluator::LaneClient* const client_;
};

}  // namespace passnet::fakes
