// The spec of a campaign from a file, from flags, or from both: flags override the file. What is to be launched, and what
// it would cost at most.
// Threads: main thread only; blocking (reads files).
// Errors: kInvalidArgument naming every mistake, those of configs/files.h and of agent/campaign/task_source.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/campaign/spec.h"
#include "base/json.h"
#include "base/result.h"

namespace passnet::cli {

struct SpecFlags {
  std::string file;      // empty: none
  std::string name;
  std::string tasks;     // "bundled", a folder (it has a "/"), or names with commas between them
  std::string shard;
  std::string model;
  std::string endpoint;  // a name of the daemon's configuration, or the URL of a local server that wants no key
  std::string restart;   // empty: as the file says; else one of RestartNames()
  std::optional<int64_t> samples;
  std::optional<int64_t> rounds;
  std::optional<int64_t> limit;
};

// What --restart takes.
std::vector<const char*> RestartNames();

Result<agent::CampaignSpec> SpecOf(const SpecFlags& flags);

// passnet.campaign_plan/1 of it; nothing is asked of anybody.
Result<Json> PlanOf(const agent::CampaignSpec& spec);

}  // namespace passnet::cli
