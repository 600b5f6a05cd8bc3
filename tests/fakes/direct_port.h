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

  Task<Result<evaluator::EvaluationReport>> Evaluate(agent::Asker, evaluator::EvaluateRequest request,
                                                     std::stop_token) override;
  Task<Result<evaluator::BaselineReport>> Baseline(agent::Asker, evaluator::BaselineRequest request,
                                                   std::stop_token) override;
  Task<Result<evaluator::TaskDescription>> DescribeTask(agent::Asker, evaluator::DescribeTaskRequest request,
                                                        std::stop_token) override;
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token) override;
  agent::PortTally tally(const std::string&) const override { return tally_; }

  // What other tasks got from the port each time when this one failed.
  agent::PortTally others_meanwhile;
  int others_times = 1'000'000;  // as often as that
  // What everybody had got before.
  void Begin(agent::PortTally tally) { tally_ = tally; }

 private:
  template <typename T>
  Result<T> Counted(Result<T> answer);

  evaluator::LaneClient* const client_;
  agent::PortTally tally_;
};

}  // namespace passnet::fakes
