// A trajectory under way, as the parts of the loop share it: what it is about, where it stands, and the one way to add
// to it. An entry is durable first; then the budget and the fold learn of it.
// Threads: loop-only. Borrows: options, texts and everything in LoopPorts. Owns: the fold.
// Errors: kCancelled (the daemon stops), and what the journal returned when it is broken.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/budget/budget.h"
#include "agent/llm/client.h"
#include "agent/llm/gate.h"
#include "agent/llm/sleeper.h"
#include "agent/loop/options.h"
#include "agent/loop/ports.h"
#include "agent/loop/trajectory_fold.h"
#include "base/clock.h"
#include "prompts/prompt_set.h"
#include "prompts/refine_prompts.h"

namespace passnet::agent {

// The moment after which a trajectory asks its model no more, and waits for nothing but the measurement of its best.
struct WallLimit {
  int64_t until_utc_us = 0;
  std::string name;           // of the limit in the spec
  std::stop_token over = {};  // requested then
};

// What a sample starts from: the best of an earlier one.
struct Restart {
  std::string trajectory_id;
  prompts::StartingPoint start;
};

struct TrajectoryPlan {
  std::string campaign_id;
  std::string trajectory_id;
  std::string task;       // name
  std::string task_path;  // as the evaluator sees it
  std::string task_hash;
  std::string endpoint;   // base URL, for the record
  int64_t sample = 1;     // of the task
  std::optional<WallLimit> wall = std::nullopt;
  int64_t priority = 0;   // of the campaign, at the endpoint's gate
  std::optional<Restart> restart = std::nullopt;
};

struct LoopPorts {
  Journal* journal = nullptr;
  EvaluationPort* evaluation = nullptr;
  LlmClient* client = nullptr;
  Gate* gate = nullptr;
  Budget* budget = nullptr;
  Sleeper* sleeper = nullptr;
  const Clock* clock = nullptr;
  std::function<double()> jitter;  // uniform in [0, 1)
  // The patience of a daemon that stops is over: replies that are on their way are given up, no disk is waited for any
  // more. Never requested before the daemon's stop.
  std::stop_token hang_up;
};

class LiveTrajectory {
 public:
  LiveTrajectory(TrajectoryPlan plan, const RefineOptions* options, const prompts::PromptTexts* texts, LoopPorts ports,
                 TrajectoryFold fold);

  const TrajectoryPlan& plan() const { return plan_; }
  const RefineOptions& options() const { return *options_; }
  const prompts::PromptTexts& texts() const { return *texts_; }
  const LoopPorts& ports() const { return ports_; }
  const TrajectoryFold& fold() const { return fold_; }

  // What waits or can be done again at no cost ends: by the daemon's end, the operator's cancel or pause.
  std::stop_source& interrupt() { return interrupt_; }
  // So does a request that is on its way to the model, which may be billed: by the cancel, and once the patience of a
  // daemon that stops is over.
  std::stop_source& hang_up() { return hang_up_; }
  void EndAll();
  // What only waits ends by the wall limit too.
  std::stop_source& waiting() { return waiting_; }
  std::stop_token time_is_over() const { return plan_.wall ? plan_.wall->over : std::stop_token(); }
  // The wall limit as the reason of a refusal.
  std::string TimeIsOver() const { return plan_.wall ? plan_.wall->name + ": the time is over" : ""; }
  // True for the end of something that waited for longer than the wall limit allows.
  bool IsLate(const Error& error) const;

  // Of this trajectory and its current round.
  JournalEntry NewEntry(trajectories::EventKind kind) const;
  Task<Status> Append(std::vector<JournalEntry> entries);
  Task<Status> Append(JournalEntry entry);

  // Which limit of this trajectory a call that may cost `next` would break; empty: none.
  std::string LimitReached(const Amount& next) const;

  // Ends the trajectory for a failure on our side.
  Task<Status> GiveUp(std::string label, std::string error);
  // Sleeps unless interrupted.
  Task<void> Rest(Nanos span);

 private:
  const TrajectoryPlan plan_;
  const RefineOptions* const options_;
  const prompts::PromptTexts* const texts_;
  const LoopPorts ports_;
  TrajectoryFold fold_;
  std::stop_source interrupt_;
  std::stop_source hang_up_;
  std::stop_source waiting_;
};

}  // namespace passnet::agent
