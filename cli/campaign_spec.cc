#include "cli/campaign_spec.h"

#include <filesystem>
#include "agent/campaign/cost_bound.h"
#include "configs/files.h"

namespace passnet::cli {
namespace {

constexpr agent::RestartKind kRestarts[] = {agent::RestartKind::kFresh, agent::RestartKind::kBest};

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Names are those of the file's tasks; without a file of the bundled ones.
void SetTasks(const std::string& text, agent::TaskSource* source) {
  if (text == "bundled") {
    *source = {};
    source->bundled = true;
  } else if (text.find('/') != std::string::npos || text == ".") {
    *source = {};
    source->path = std::filesystem::absolute(text).lexically_normal().native();
  } else {
    source->include = SplitAtCommas(text);
  }
}

void SetFlags(const SpecFlags& flags, agent::CampaignSpec* spec) {
  if (flags.file.empty()) {
    spec->tasks.bundled = true;
    spec->name = flags.model;
  }
  if (!flags.name.empty()) spec->name = flags.name;
  if (!flags.tasks.empty()) SetTasks(flags.tasks, &spec->tasks);
  if (!flags.shard.empty()) spec->tasks.shard = flags.shard;
  if (flags.limit) spec->tasks.limit = *flags.limit;
  if (!flags.model.empty()) spec->refine.sampling.model = flags.model;
  if (!flags.endpoint.empty()) {
    const bool is_url = flags.endpoint.find("://") != std::string::npos;
    spec->endpoint = {};
    (is_url ? spec->endpoint.base_url : spec->endpoint.name) = flags.endpoint;
  }
  if (flags.samples) spec->samples = *flags.samples;
  for (agent::RestartKind kind : kRestarts) {
    if (flags.restart == agent::RestartKindName(kind)) spec->restart = kind;
  }
  if (flags.rounds) spec->refine.rounds.rounds = *flags.rounds;
}

}  // namespace

std::vector<const char*> RestartNames() {
  std::vector<const char*> names;
  for (agent::RestartKind kind : kRestarts) names.push_back(agent::RestartKindName(kind));
  return names;
}

Result<agent::CampaignSpec> SpecOf(const SpecFlags& flags) {
  if (flags.file.empty() && flags.model.empty()) {
    return InvalidArgument("name a spec file, or a model with --model (and --tasks, --endpoint)");
  }
  agent::CampaignSpec spec;
  const auto set_flags = [&](agent::CampaignSpec& of) { SetFlags(flags, &of); };
  if (flags.file.empty()) {
    set_flags(spec);
  } else {
    ASSIGN_OR_RETURN(spec, configs::ReadCampaignFile(flags.file, set_flags));
  }
  // Flags went past the ranges that a file is read with: read the whole as the daemon will.
  return agent::CampaignSpecFromJson(ToJson(spec));
}

Result<Json> PlanOf(const agent::CampaignSpec& spec) {
  ASSIGN_OR_RETURN(auto tasks, agent::ResolveTasks(spec.tasks));
  ASSIGN_OR_RETURN(auto bound, agent::BoundOf(spec, tasks));
  return ParseJsonObject(agent::ToJson(bound, spec), "plan");
}

}  // namespace passnet::cli
