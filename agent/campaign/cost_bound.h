// What a campaign can cost at most, before anything is asked: tasks x samples x rounds calls, each as long as it may be.
// A bound, not an estimate: real campaigns end rounds early and write shorter replies.
// Threads: pure functions; BoundOf reads the tasks' files and the prompts'. Errors: those of passbench::LoadTask and
// prompts::PromptsFrom.
// Source: agent/budget/budget.h (a token is at least one byte of the request), prompts/refine_prompts.cc (what one
// prompt may hold).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/campaign/spec.h"
#include "base/result.h"

namespace passnet::agent {

struct CostBound {
  int64_t tasks = 0;
  int64_t trajectories = 0;
  int64_t calls = 0;
  double prompt_tokens = 0;
  double completion_tokens = 0;
  std::optional<double> usd;         // absent: the spec has no prices
  std::optional<double> limit_usd;   // the spec's budget, where that is less
  std::optional<double> limit_tokens;
  std::vector<std::string> names;    // of the tasks, in order
};

Result<CostBound> BoundOf(const CampaignSpec& spec, const std::vector<CampaignTask>& tasks);

// "passnet.campaign_plan/1", one line.
std::string ToJson(const CostBound& bound, const CampaignSpec& spec);

}  // namespace passnet::agent
