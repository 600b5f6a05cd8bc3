// A lane that measures nothing: what it answers is written in the candidate. A file `plan.json` in the candidate
// ({"verdict": "OK", "speedup": 1.5}) decides the report; faults are injected by `fail_next`. Implements the product's
// LaneClient, so that everything above it is the real thing.
// Threads: thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "evaluator/client/lane_client.h"

namespace passnet::fakes {

class FakeLane : public evaluator::LaneClient {
 public:
  struct Log {
    std::mutex mutex;
    std::map<std::string, int> evaluations;                      // by evaluation id
    std::map<std::string, std::chrono::milliseconds> time_caps;  // of the last request, by purpose or "baseline"
    std::vector<Error> fail_next;                                // taken from the front, by any request
    std::vector<Error> fail_evaluations;                         // likewise, by evaluations alone
    std::map<std::string, std::string> environment{{"cpu", "fake"}, {"torch", "none"}};
  };
  explicit FakeLane(std::shared_ptr<Log> log) : log_(std::move(log)) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline,
                                               const evaluator::ProgressFn&) override;
  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline,
                                             const evaluator::ProgressFn&) override;
  Result<evaluator::TaskDescription> DescribeTask(const evaluator::DescribeTaskRequest& request, Deadline) override;
  Result<std::map<std::string, std::string>> Environment(Deadline) override;
  void Cancel() override {}

 private:
  const std::shared_ptr<Log> log_;
};

// A reply whose candidate gets this verdict and speed-up, as JSON-escaped content of a chat completion.
std::string ReplyWith(const std::string& verdict, double speedup);

}  // namespace passnet::fakes
