// What a campaign is launched with: endpoint, model, tasks, rounds, scoring, budget. One list of fields serves the TOML
// file, the JSON body of the launch request and the copy that the first event pins.
// Threads: immutable values, pure functions; ResolveTasks is blocking.
// Errors: problems are collected, never only the first.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/budget/budget.h"
#include "agent/loop/options.h"
#include "base/fields.h"
#include "base/result.h"

namespace passnet::agent {

struct EndpointSpec {
  std::string base_url = "https://api.openai.com/v1";
  std::string api_key_env = "OPENAI_API_KEY";  // the daemon's environment has the key; empty: none is sent
  std::string ca_file;                         // PEM; empty: the system's
};

struct TaskSource {
  std::string path;                  // a task folder, or a folder of task folders; absolute once launched
  std::vector<std::string> include;  // only tasks of these names; empty: all
};

struct CampaignSpec {
  std::string name;
  TaskSource tasks;
  EndpointSpec endpoint;
  int64_t concurrency = 4;  // trajectories at the same time; LLM slots and lanes have limits of their own
  int64_t priority = 0;      // at the endpoint's gate: higher ones go first, equal ones take turns
  double infra_limit_percent = 20;  // more trajectories than this ended by failures on our side: it pauses itself
  BudgetLimits budget;
  RefineOptions refine;
};

void VisitFields(FieldVisitor& fields, CampaignSpec& spec);

// What no single field can tell: required texts, URL and variable names, a price limit without prices.
std::vector<FieldProblem> Check(const CampaignSpec& spec);

Json ToJsonValue(const CampaignSpec& spec);
std::string ToJson(const CampaignSpec& spec);  // the same on one line
// Reads and checks. kInvalidArgument with every problem.
Result<CampaignSpec> CampaignSpecFromJson(std::string_view json);

struct CampaignTask {
  std::string name;
  std::string path;
  std::string hash;  // of the files that a measurement depends on
};

// The tasks that `source` means, in the order of their paths. kInvalidArgument: no task there, a malformed one (file
// and line), two of the same name, a name in `include` that does not exist.
Result<std::vector<CampaignTask>> ResolveTasks(const TaskSource& source);

}  // namespace passnet::agent
