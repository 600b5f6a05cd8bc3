// What a campaign is launched with: endpoint, model, tasks, samples, rounds, scoring, budget. One list of fields serves
// the TOML file, the JSON body of the launch request and the copy that the first event pins.
// Threads: immutable values, pure functions.
// Errors: problems are collected, never only the first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/budget/budget.h"
#include "agent/campaign/task_source.h"
#include "agent/loop/options.h"
#include "base/fields.h"
#include "base/result.h"

namespace passnet::agent {

struct EndpointSpec {
  std::string base_url = "https://api.openai.com/v1";
  std::string api_key_env = "OPENAI_API_KEY";  // the daemon's environment has the key; empty: none is sent
  std::string ca_file;                         // PEM; empty: the system's
};

struct CampaignSpec {
  std::string name;
  TaskSource tasks;
  EndpointSpec endpoint;
  int64_t samples = 1;            // trajectories of each task
  int64_t stop_after_solved = 0;  // a task begins no further sample once so many are solved; 0: all are begun
  int64_t concurrency = 4;        // trajectories at the same time; LLM slots and lanes have limits of their own
  BudgetLimits budget;
  std::optional<double> wall_s;  // since the launch: nothing new begins after it, what is under way is measured
  RefineOptions refine;
};

void VisitFields(FieldVisitor& fields, CampaignSpec& spec);

// What no single field can tell: required texts, URL and variable names, a price limit without prices.
std::vector<FieldProblem> Check(const CampaignSpec& spec);

Json ToJsonValue(const CampaignSpec& spec);
std::string ToJson(const CampaignSpec& spec);  // the same on one line
// Reads and checks. kInvalidArgument with every problem.
Result<CampaignSpec> CampaignSpecFromJson(std::string_view json);

// What the loop of one sample goes by: the spec's options with a seed of the sample's own, where there is a seed.
RefineOptions OptionsOfSample(const CampaignSpec& spec, int64_t sample);

}  // namespace passnet::agent
