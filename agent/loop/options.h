// What mode refine may do in one trajectory. Defaults live here; a campaign pins its values at launch.
// Threads: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/budget/budget.h"
#include "agent/llm/client.h"
#include "agent/llm/retry_policy.h"
#include "evaluator/api/evaluation.h"
#include "prompts/refine_prompts.h"

namespace passnet::agent {

struct SamplingOptions {
  std::string model;
  int64_t max_tokens = 16384;  // of one reply; chosen: a pass with two kernels and room to think
  bool max_completion_tokens = false;
  std::optional<double> temperature;
  std::optional<int64_t> seed;
  bool stream = true;
  std::string extra_json;  // further keys of the request, an object
};

struct RoundOptions {
  int64_t rounds = 6;          // chosen: most gains of refinement come before
  int64_t plateau_rounds = 2;  // after a success, this many rounds without an improvement end the trajectory
  double plateau_percent = 3;  // what counts as an improvement; chosen: above the noise of profile quick
  int64_t lost_calls = 3;      // calls of one round that may be lost (crash, cut connection) before it is infra
  int64_t infra_attempts = 3;  // of one measurement that fail on our side, while others succeed, before it ends as infra
};

// What one trajectory may use. Reached: no further call, the best candidate so far is measured, outcome `budget`.
struct TrajectoryLimits {
  std::optional<int64_t> tokens;
  std::optional<double> usd;
  std::optional<double> wall_s;  // since its start, whatever it waited for
};

struct ScoringOptions {
  evaluator::Profile refine_profile = evaluator::Profile::kQuick;
  evaluator::Profile final_profile = evaluator::Profile::kPassbench;
  evaluator::CallPath call_path = evaluator::CallPath::kDynamo;
  evaluator::Matching matching = evaluator::Matching::kUpstream;
  int64_t refine_time_cap_ms = 0;  // timing of one graph; 0: the profile's own
  int64_t final_time_cap_ms = 0;   // likewise, of the final measurement and the baseline
  std::string device = "cpu";
  double p = 0.0;
  double b = 0.1;
  bool baseline = true;  // TorchInductor on the same tasks, for the report
};

struct RefineOptions {
  SamplingOptions sampling;
  RoundOptions rounds;
  ScoringOptions scoring;
  AttemptLimits limits;
  RetryOptions retry;
  Prices prices;
  TrajectoryLimits budget;
  prompts::ReplyLimits reply;
};

}  // namespace passnet::agent
