#include "agent/campaign/launch.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/sha256.h"

namespace passnet::agent {
namespace {

using Json = nlohmann::ordered_json;
using trajectories::Event;
using trajectories::EventKind;

constexpr std::string_view kPromptPrefix = "prompt:";
constexpr int64_t kPage = 1000;

bool IsSpending(EventKind kind) {
  return kind == EventKind::kLlmIntent || kind == EventKind::kLlmAttemptEnd || kind == EventKind::kLlmOutcome ||
         kind == EventKind::kLlmLost;
}

std::string TextOf(const Json& object, const char* key) {
  if (!object.is_object()) return {};
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ContentFn ContentOf(trajectories::Reader& reader, const Event& event) {
  return [&reader, &event](const std::string& name) -> Result<std::string> {
    for (const auto& ref : event.body.refs) {
      if (ref.name == name) return reader.Content(ref.sha256);
    }
    return DataCorrupt("journal row " + std::to_string(event.row_id) + " has no content " + name);
  };
}

Result<StoredTrajectory> LoadTrajectory(trajectories::Reader& reader, const trajectories::TrajectoryState& state) {
  StoredTrajectory stored;
  stored.trajectory_id = state.trajectory_id;
  stored.task = state.task;
  stored.finished = state.state == "finished";
  if (stored.finished) return stored;
  ASSIGN_OR_RETURN(auto events, reader.Chain(state.campaign_id, state.trajectory_id));
  for (const Event& event : events) RETURN_IF_ERROR(stored.progress.Apply(event.body, ContentOf(reader, event)));
  return stored;
}

}  // namespace

Step ToStep(const Launch& launch) {
  Json tasks = Json::array();
  for (const auto& task : launch.tasks) {
    tasks.push_back({{"name", task.name}, {"path", task.path}, {"hash", task.hash}});
  }
  Json prompts = Json::object();
  const Prices& prices = launch.spec.refine.prices;
  Step step;
  step.event.campaign_id = launch.campaign_id;
  step.event.kind = EventKind::kCampaignLaunched;
  step.event.subject = launch.spec.name;
  for (const auto& [name, text] : launch.prompts) {
    prompts[name] = Sha256Hex(text);
    step.contents[std::string(kPromptPrefix) + name] = text;
  }
  auto or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json payload = {
      {"schema", "passnet.campaign_launch/1"},
      {"spec", Json::parse(ToJson(launch.spec))},
      {"tasks", tasks},
      {"prices",
       {{launch.spec.refine.sampling.model,
         {{"prompt_usd_per_million", or_null(prices.prompt_usd_per_million)},
          {"completion_usd_per_million", or_null(prices.completion_usd_per_million)}}}}},
      {"prompts", prompts},
      {"environment", launch.environment},
      {"build", {{"version", launch.build.version}, {"git", launch.build.git}}}};
  step.event.payload = payload.dump(-1, ' ', false, Json::error_handler_t::replace);
  return step;
}

Result<Launch> LoadLaunch(trajectories::Reader& reader, const std::string& campaign_id) {
  ASSIGN_OR_RETURN(auto events, reader.Chain(campaign_id, ""));
  if (events.empty() || events.front().body.kind != EventKind::kCampaignLaunched) {
    return NotFound("campaign " + campaign_id + " is not in the journal");
  }
  const Event& event = events.front();
  Json payload = Json::parse(event.body.payload, nullptr, /*allow_exceptions=*/false);
  if (!payload.is_object() || !payload.contains("spec") || !payload.contains("tasks")) {
    return DataCorrupt("campaign " + campaign_id + ": its launch does not parse");
  }
  Launch launch;
  launch.campaign_id = campaign_id;
  ASSIGN_OR_RETURN(launch.spec, CampaignSpecFromJson(payload["spec"].dump()));
  for (const Json& task : payload["tasks"]) {
    launch.tasks.push_back({TextOf(task, "name"), TextOf(task, "path"), TextOf(task, "hash")});
  }
  if (payload.contains("environment")) {
    for (const auto& [key, value] : payload["environment"].items()) {
      if (value.is_string()) launch.environment[key] = value.get<std::string>();
    }
  }
  if (payload.contains("build")) {
    launch.build = {TextOf(payload["build"], "version"), TextOf(payload["build"], "git")};
  }
  for (const auto& ref : event.body.refs) {
    if (!ref.name.starts_with(kPromptPrefix)) continue;
    ASSIGN_OR_RETURN(launch.prompts[ref.name.substr(kPromptPrefix.size())], reader.Content(ref.sha256));
  }
  return launch;
}

Result<StoredCampaign> LoadCampaign(trajectories::Reader& reader, const std::string& campaign_id) {
  StoredCampaign stored;
  ASSIGN_OR_RETURN(stored.launch, LoadLaunch(reader, campaign_id));
  ASSIGN_OR_RETURN(auto state, reader.Campaign(campaign_id));
  stored.state = state.state;
  for (int64_t after = 0;;) {
    ASSIGN_OR_RETURN(auto page, reader.Trajectories(campaign_id, after, kPage));
    for (const auto& trajectory : page) {
      ASSIGN_OR_RETURN(auto loaded, LoadTrajectory(reader, trajectory));
      stored.trajectories.push_back(std::move(loaded));
      after = trajectory.first_row_id;
    }
    if (page.size() < static_cast<size_t>(kPage)) break;
  }
  trajectories::EventQuery query;
  query.campaign_id = campaign_id;
  query.limit = kPage;
  for (;;) {
    ASSIGN_OR_RETURN(auto events, reader.Events(query));
    for (Event& event : events) {
      query.after_row_id = event.row_id;
      bool of_campaign = event.body.trajectory_id.empty();
      if (of_campaign && event.body.kind == EventKind::kOperatorAction && event.body.label == "cancel") {
        stored.cancelled = true;
      }
      if (IsSpending(event.body.kind)) stored.spending.push_back(std::move(event.body));
    }
    if (events.size() < static_cast<size_t>(kPage)) break;
  }
  return stored;
}

bool IsEndState(const std::string& state) { return state == "finished" || state == "cancelled" || state == "failed"; }

}  // namespace passnet::agent
