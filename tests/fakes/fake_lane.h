// A lane that measures nothing: what it answers is written in the candidate. A file `plan.json` in the candidate
// ({"verdict": "OK", "speedup": 1.5}) decides the report; faults are injected by `fail_next`. Implements the product's
// LaneClient, so that everything above it is the real thing.
// Threads: thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
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
    std::vector<Error> fail_starts;                              // likewise, by starts
    std::map<int, Error> fail_environments;                      // by the number of the question, from 1
    int environments = 0;                                        // asked for
    int starts = 0;                                              // asked for
    int hang_starts_from = 0;                                    // this start and later ones, until the client is to end
    bool hang_evaluations = false;                               // until the request is cancelled or the client ends
    bool deaf = false;                                           // what hangs, hangs for good
    std::map<std::string, std::string> environment{{"cpu", "fake"}, {"torch", "none"}};
  };
  explicit FakeLane(std::shared_ptr<Log> log, std::stop_token stop = {})
      : log_(std::move(log)), stop_(std::move(stop)) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline,
                                               const evaluator::ProgressFn&) override;
  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline,
                                             const evaluator::ProgressFn&) override;
  Result<evaluator::TaskDescription> DescribeTask(const evaluator::DescribeTaskRequest& request, Deadline) override;
  Result<std::map<std::string, std::string>> Environment(Deadline) override;
  void CancelWith(std::stop_token cancelled) override { cancelled_ = std::move(cancelled); }

 private:
  const std::shared_ptr<Log> log_;
  const std::stop_token stop_;
  std::stop_token cancelled_;
};

// As StartLane does it, with the faults of `log`.
Result<std::unique_ptr<evaluator::LaneClient>> StartFakeLane(std::shared_ptr<FakeLane::Log> log, std::stop_token stop);

// A reply whose candidate gets this verdict and speed-up, as JSON-escaped content of a chat completion.
std::string ReplyWith(const std::string& verdict, double speedup);

}  // namespace passnet::fakes
