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

// A launch gives the name, or the URL of a local server. The rest is what the name meant at the launch, for the record.
struct EndpointSpec {
  std::string name;  // of the daemon's configuration; empty: base_url alone, as in journals from before there were names
  std::string base_url;
  std::string api_key_env;
  std::string ca_file;
  std::string dialect{};  // one of dialects::DialectNames(); empty: what the configuration says, or "openai-chat"
};

// How a task's later samples begin.
enum class RestartKind {
  kFresh,  // as the first one
  kBest,   // the first prompt shows the best folder of the task's earlier samples
};
const char* RestartKindName(RestartKind kind);

struct CampaignSpec {
  std::string name;
  std::string prompts;  // a folder of prompts in place of the shipped ones (prompts/prompt_folder.h); empty: none
  TaskSource tasks;
  EndpointSpec endpoint;
  int64_t samples = 1;            // trajectories of each task
  int64_t stop_after_solved = 0;  // a task begins no further sample once so many are solved; 0: all are begun
  RestartKind restart = RestartKind::kFresh;
  int64_t concurrency = 4;        // trajectories at the same time; LLM slots and lanes have limits of their own
  int64_t priority = 0;           // at the endpoint's gate: higher ones go first, equal ones take turns
  double infra_limit_percent = 20;  // more trajectories than this ended by failures on our side: it pauses itself
  BudgetLimits budget;
  std::optional<double> wall_s;  // since the launch: nothing new begins after it, what is under way is measured
  RefineOptions refine;
};

void VisitFields(FieldVisitor& fields, CampaignSpec& spec);

// What no single field can tell: required texts, the URL, a price limit without prices. Holds for stored specs too.
std::vector<FieldProblem> Check(const CampaignSpec& spec);
// The same, and what a client may not ask for: an endpoint of its own choice with a key of the daemon's.
std::vector<FieldProblem> CheckLaunch(const CampaignSpec& spec);

// Letters, digits, - and _, at most 64.
bool IsEndpointName(const std::string& name);
// http or https on 127.0.0.1, [::1] or localhost, written so.
bool IsLocalUrl(const std::string& base_url);

Json ToJsonValue(const CampaignSpec& spec);
std::string ToJson(const CampaignSpec& spec);  // the same on one line
// Reads and checks a launch. kInvalidArgument with every problem.
Result<CampaignSpec> CampaignSpecFromJson(std::string_view json);

// What the loop of one sample goes by: the spec's options with a seed of the sample's own, where there is a seed.
RefineOptions OptionsOfSample(const CampaignSpec& spec, int64_t sample);

}  // namespace passnet::agent
