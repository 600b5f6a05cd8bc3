// Campaign and trajectory state: folds of events, nothing else. The tables of the same names are caches, written in
// the transaction of the event; verify compares them with the fold.
// Threads: immutable values and pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.h"
#include "trajectories/event.h"

namespace passnet::trajectories {

// Sums over llm_outcome, llm_attempt_end and llm_lost: every attempt that was or may have been billed.
struct UsageTotals {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cost_microusd = 0;
  int64_t calls = 0;       // llm_intent
  int64_t calls_lost = 0;  // llm_lost
  bool operator==(const UsageTotals&) const = default;
};

struct CampaignState {
  std::string campaign_id;
  std::string name;
  std::string state;  // "launched" until the first campaign_state event, then its label
  int64_t launched_at_utc_us = 0;
  int64_t updated_at_utc_us = 0;
  int64_t trajectories_started = 0;
  int64_t trajectories_finished = 0;
  UsageTotals usage;
  int64_t first_row_id = 0;  // of campaign_launched: the order of lists, and their cursor
  int64_t head_seq = 0;      // of the campaign's own chain
  Sha256Digest head_hash{};
  bool operator==(const CampaignState&) const = default;
};

struct TrajectoryState {
  std::string trajectory_id;
  std::string campaign_id;
  std::string task;
  int64_t sample = 1;   // of the task, 1 is the first: label of trajectory_started
  std::string state;    // "running" | "finished"
  std::string outcome;  // label of trajectory_finished, empty before
  std::string verdict;  // of the report that gave best_score; of the latest report while none was scored
  int64_t rounds = 0;   // the largest round seen
  int64_t evaluations = 0;
  std::optional<double> best_score;  // over evaluation_report events; the earliest wins a tie
  std::optional<int64_t> best_round;
  std::optional<double> final_score;  // of trajectory_finished
  std::string final_subject;          // of trajectory_finished: hash of the winning pass_dir
  int64_t started_at_utc_us = 0;
  int64_t updated_at_utc_us = 0;
  UsageTotals usage;
  int64_t first_row_id = 0;  // of trajectory_started
  int64_t head_seq = 0;
  Sha256Digest head_hash{};
  bool operator==(const TrajectoryState&) const = default;
};

// The sample that the label of a trajectory_started names; 1 for any other text, since journals of before samples have
// none there.
int64_t SampleOfLabel(std::string_view label);

// `event` belongs to the campaign (its own chain, or one of its trajectories).
void Apply(const Event& event, CampaignState* state);
// `event` belongs to the trajectory's chain.
void Apply(const Event& event, TrajectoryState* state);

}  // namespace passnet::trajectories
