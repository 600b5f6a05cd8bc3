// One trajectory of mode refine: prompt, call, parse, evaluate, feed back, until a limit; then the best candidate is
// measured once more with the scoring profile. Every step is durable before the next one begins, and the next step is
// always decided from what is durable (progress.h), so that a killed daemon goes on where it was.
// Threads: loop-only. Borrows: everything in LoopPorts until Run has ended.
// Errors of Run: kCancelled (the daemon stops; the trajectory stays unfinished and can go on later), and what the
// journal returned when it is broken. Whatever happens to endpoint, lane or candidate is an outcome, not an Error.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/budget/budget.h"
#include "agent/llm/adaptive_limiter.h"
#include "agent/llm/call.h"
#include "agent/llm/client.h"
#include "agent/loop/options.h"
#include "agent/loop/ports.h"
#include "agent/loop/progress.h"
#include "base/clock.h"
#include "prompts/prompt_set.h"

namespace passnet::agent {

struct TrajectoryPlan {
  std::string campaign_id;
  std::string trajectory_id;
  std::string task;       // name
  std::string task_path;  // as the lane sees it
  std::string task_hash;
  std::string endpoint;   // base URL, for the record
};

struct LoopPorts {
  Journal* journal = nullptr;
  Lane* lane = nullptr;
  LlmClient* client = nullptr;
  AdaptiveLimiter* limiter = nullptr;
  Budget* budget = nullptr;
  Sleeper* sleeper = nullptr;
  const Clock* clock = nullptr;
  std::function<double()> jitter;  // uniform in [0, 1)
};

class RefineLoop : private AttemptObserver {
 public:
  // `options` and `texts` are the campaign's pinned ones and outlive the loop.
  RefineLoop(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts, LoopPorts ports,
             Progress progress);

  // `stop`: the daemon ends. `cancel`: the operator ends this trajectory.
  Task<Status> Run(std::stop_token stop, std::stop_token cancel);

  const Progress& progress() const { return progress_; }

 private:
  Task<Status> Do(NextStep step);
  Task<Status> Start();
  Task<Status> Render();
  Task<Status> RenderFirstRound();
  Task<Status> Ask();
  Task<Status> OpenCall(std::string body);
  Task<Status> Parse();
  Task<Status> Evaluate(std::string purpose);
  Task<Status> Feedback();
  Task<Status> Baseline();
  Task<Status> Finish();
  Task<Status> CancelNow();
  Task<Status> GiveUp(std::string label, std::string error);
  Task<Status> LaneFailed(std::string what, Error error, int64_t failures);

  Task<Status> BeforeSend(int attempt) override;
  Task<Status> AfterReply(int attempt, const dialects::RawReply* reply) override;
  Task<Status> AfterDecision(int attempt, const dialects::AttemptOutcome* outcome,
                             const RetryDecision* decision) override;
  Task<Status> SettleAttempt(int attempt, dialects::AttemptOutcome outcome, bool retry);
  Task<Status> SettleReceived();

  Step NewStep(trajectories::EventKind kind) const;
  Task<Status> Append(std::vector<Step> steps);
  Task<Status> AppendOne(Step step);
  void SpendReservation(trajectories::EventDraft* event) const;
  prompts::RoundStanding Standing() const;

  const TrajectoryPlan plan_;
  const RefineOptions* const options_;
  const prompts::PromptTexts* const texts_;
  const LoopPorts ports_;
  Progress progress_;
  std::stop_token stop_;
  std::stop_source ended_;  // by either token: what is in flight ends
  int64_t lane_failures_ = 0;  // in a row, of requests that leave no intent (task description, baseline)
};

// sha256 over trajectory, step, purpose and repetition: the same question always has the same id.
std::string EvaluationId(const std::string& trajectory_id, int64_t round, const std::string& purpose, int repetition);

}  // namespace passnet::agent
