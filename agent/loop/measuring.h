// What a trajectory asks of the evaluation port: the task's description for the first prompt, the round's candidate,
// the best one with the scoring profile, and TorchInductor's figures. A failure on our side is waited out and asked again
// under the same id, a few times; then the trajectory ends as infra and never as a score.
// Threads: loop-only. Borrows: the trajectory.
// Errors: the trajectory's, and kCancelled (interrupted).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/loop/live_trajectory.h"

namespace passnet::agent {

enum class Purpose {
  kRefine,  // the round's candidate, for feedback
  kFinal,   // the best candidate, for the score
};
const char* PurposeName(Purpose purpose);

class Measuring {
 public:
  explicit Measuring(LiveTrajectory* trajectory) : trajectory_(*trajectory) {}

  // Nothing when the port failed and that was dealt with: ask the fold what comes next.
  Task<Result<std::optional<evaluator::TaskDescription>>> DescribeTask();
  Task<Status> Evaluate(Purpose purpose);
  Task<Status> Baseline();

 private:
  evaluator::EvaluateRequest RequestFor(Purpose purpose) const;
  evaluator::BaselineRequest RequestForBaseline() const;
  Task<Status> StoreReport(int64_t round, evaluator::EvaluationReport report, std::string id);
  Task<Status> EvaluationFailed(int64_t round, Error error, std::string id, Purpose purpose);
  Task<Status> PortFailed(std::string what, Error error, int64_t failures);

  LiveTrajectory& trajectory_;
  int64_t failures_ = 0;  // in a row, of requests that leave no intent: description, baseline
};

// sha256 over trajectory, round, purpose and repetition: the same question always has the same id.
std::string EvaluationId(const std::string& trajectory_id, int64_t round, const std::string& purpose, int repetition);

}  // namespace passnet::agent
