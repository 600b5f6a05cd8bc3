#include "daemon/http_api/views.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace passnet::daemon {
namespace {

using Json = nlohmann::ordered_json;
using trajectories::CampaignState;
using trajectories::TrajectoryState;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}
Json OrNull(const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); }

Json UsageObject(const trajectories::UsageTotals& usage) {
  return {{"calls", usage.calls},
          {"calls_lost", usage.calls_lost},
          {"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"cost_microusd", usage.cost_microusd}};
}

Json CampaignObject(const CampaignState& state) {
  return {{"campaign_id", state.campaign_id},
          {"name", state.name},
          {"state", state.state},
          {"launched_at", FormatUtc(state.launched_at_utc_us)},
          {"updated_at", FormatUtc(state.updated_at_utc_us)},
          {"trajectories_started", state.trajectories_started},
          {"trajectories_finished", state.trajectories_finished},
          {"usage", UsageObject(state.usage)}};
}

Json TrajectoryObject(const TrajectoryState& state) {
  return {{"trajectory_id", state.trajectory_id},
          {"campaign_id", state.campaign_id},
          {"task", state.task},
          {"state", state.state},
          {"outcome", OrNull(state.outcome)},
          {"verdict", OrNull(state.verdict)},
          {"rounds", state.rounds},
          {"evaluations", state.evaluations},
          {"best_score", OrNull(state.best_score)},
          {"best_round", OrNull(state.best_round)},
          {"final_score", OrNull(state.final_score)},
          {"pass_dir_hash", OrNull(state.final_subject)},
          {"started_at", FormatUtc(state.started_at_utc_us)},
          {"updated_at", FormatUtc(state.updated_at_utc_us)},
          {"usage", UsageObject(state.usage)}};
}

Json Page(const char* schema, const char* key, Json items, int64_t next) {
  Json page;
  page["schema"] = schema;
  page[key] = std::move(items);
  page["next"] = next > 0 ? Json(next) : Json(nullptr);
  return page;
}

}  // namespace

std::string CampaignJson(const CampaignState& state, const agent::CampaignSpec& spec, int64_t tasks) {
  Json json;
  json["schema"] = "passnet.campaign/1";
  json.update(CampaignObject(state));
  json["tasks"] = tasks;
  json["spec"] = Json::parse(ToJson(spec));
  return Dump(json);
}

std::string CampaignsJson(const std::vector<CampaignState>& states, int64_t next) {
  Json items = Json::array();
  for (const auto& state : states) items.push_back(CampaignObject(state));
  return Dump(Page("passnet.campaigns/1", "campaigns", std::move(items), next));
}

std::string TrajectoryJson(const TrajectoryState& state) {
  Json json;
  json["schema"] = "passnet.trajectory/1";
  json.update(TrajectoryObject(state));
  return Dump(json);
}

std::string TrajectoriesJson(const std::vector<TrajectoryState>& states, int64_t next) {
  Json items = Json::array();
  for (const auto& state : states) items.push_back(TrajectoryObject(state));
  return Dump(Page("passnet.trajectories/1", "trajectories", std::move(items), next));
}

std::string LanesJson(const std::vector<agent::LaneService::Facts>& lanes) {
  Json items = Json::array();
  for (const auto& lane : lanes) {
    items.push_back({{"name", lane.name},
                     {"state", lane.state},
                     {"working_on", OrNull(lane.working_on)},
                     {"queued", lane.queued},
                     {"served", lane.served},
                     {"starts", lane.starts},
                     {"last_error", OrNull(lane.last_error)}});
  }
  Json json;
  json["schema"] = "passnet.lanes/1";
  json["lanes"] = std::move(items);
  return Dump(json);
}

std::string EventJson(const trajectories::Event& event) {
  const auto& body = event.body;
  return Dump({{"row_id", event.row_id},
               {"seq", event.seq},
               {"at", FormatUtc(event.at_utc_us)},
               {"kind", EventKindName(body.kind)},
               {"campaign_id", body.campaign_id},
               {"trajectory_id", OrNull(body.trajectory_id)},
               {"subject", OrNull(body.subject)},
               {"label", OrNull(body.label)},
               {"round", OrNull(body.round)},
               {"score", OrNull(body.score)},
               {"prompt_tokens", OrNull(body.prompt_tokens)},
               {"completion_tokens", OrNull(body.completion_tokens)}});
}

}  // namespace passnet::daemon
