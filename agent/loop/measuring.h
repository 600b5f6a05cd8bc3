// What a trajectory asks of the evaluation port: the task's description for the first prompt, the round's candidate,
// the best one with the scoring profile, and TorchInductor's figures. A failure on our side is waited out and asked
// again under the same id; never is it a score. The trajectory ends as infra for what is its own and lasts: a task
// folder that cannot be used, or failures again and again while others are measured or nobody else fails. What
// everybody has is waited out without end. Once the time is over, only a candidate that there is no other one beside
// still waits for a lane.
// Threads: loop-only. Borrows: the trajectory.
// Errors: the trajectory's, and kCancelled (interrupted).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/loop/live_trajectory.h"
#include "base/clock.h"

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
  // `failures`: of this question, with this one. `may_end`: by the wall limit.
  Task<Status> PortFailed(std::string what, Error error, int64_t failures, bool may_end);
  Task<Status> EndForTime();
  void CountFailure();
  bool IsEnough(const Error& error, int64_t failures) const;
  bool MayEndByTime(Purpose purpose) const;
  Asker AskerOf(bool may_end) const;

  LiveTrajectory& trajectory_;
  // Failures in a row, and what others had got by the first and by the latest of them.
  struct Streak {
    int64_t failures = 0;
    int64_t succeeded_before = 0;
    PortTally tally;
    SteadyTime alone_since{};     // no other task has failed since
    SteadyTime doubtful_since{};  // none that had been measured before has
  };
  Streak streak_;
};

// sha256 over trajectory, round, purpose and repetition: the same question always has the same id.
std::string EvaluationId(const std::string& trajectory_id, int64_t round, const std::string& purpose, int repetition);

}  // namespace passnet::agent
