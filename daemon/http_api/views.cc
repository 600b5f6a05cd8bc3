#include "daemon/http_api/views.h"

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/json.h"

namespace passnet::daemon {
namespace {

using trajectories::CampaignState;
using trajectories::TrajectoryState;

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
          {"sample", state.sample},
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

// `object` with the schema's name in front.
Json Named(const char* schema, Json object) {
  Json json = {{"schema", schema}};
  for (const auto& [key, value] : object.Members()) json.Set(key, value);
  return json;
}

Json OutageObject(const agent::Outage& outage) {
  return {{"what", outage.what},
          {"reason", outage.reason},
          {"since", FormatUtc(outage.since_utc_us)},
          {"next_try", FormatUtc(outage.next_try_utc_us)}};
}

Json OutageObject(const std::optional<agent::Outage>& outage) { return outage ? OutageObject(*outage) : Json(); }

Json Page(const char* schema, const char* key, Json items, int64_t next) {
  return {{"schema", schema}, {key, std::move(items)}, {"next", next > 0 ? Json(next) : Json()}};
}

}  // namespace

Json OutagesJson(const std::vector<agent::Outage>& outages) {
  Json items = Json::MakeArray();
  for (const auto& outage : outages) items.Push(OutageObject(outage));
  return items;
}

std::string CampaignJson(const CampaignState& state, const agent::StateDetail& detail, const agent::CampaignSpec& spec,
                         int64_t tasks) {
  Json json = Named("passnet.campaign/1", CampaignObject(state));
  json.Set("state_reason", OrNull(detail.reason));
  json.Set("waits_for", OrNull(detail.what));
  json.Set("next_try", OrNull(detail.next_try));
  json.Set("tasks", tasks);
  json.Set("trajectories_planned", tasks * spec.samples);
  json.Set("spec", ToJsonValue(spec));
  return json.Dump();
}

std::string CampaignsJson(const std::vector<CampaignState>& states, int64_t next) {
  Json items = Json::MakeArray();
  for (const auto& state : states) items.Push(CampaignObject(state));
  return Page("passnet.campaigns/1", "campaigns", std::move(items), next).Dump();
}

std::string TrajectoryJson(const TrajectoryState& state) {
  return Named("passnet.trajectory_state/1", TrajectoryObject(state)).Dump();
}

std::string TrajectoriesJson(const std::vector<TrajectoryState>& states, int64_t next) {
  Json items = Json::MakeArray();
  for (const auto& state : states) items.Push(TrajectoryObject(state));
  return Page("passnet.trajectories/1", "trajectories", std::move(items), next).Dump();
}

std::string LanesJson(const agent::LanePoolFacts& facts) {
  Json processes = Json::MakeArray();
  for (const auto& process : facts.processes) {
    processes.Push({{"name", process.name},
                    {"lane", process.lane},
                    {"timing_core", process.timing_core < 0 ? Json() : Json(process.timing_core)},
                    {"state", process.state},
                    {"working_on", OrNull(process.working_on)},
                    {"campaign_id", OrNull(process.campaign_id)},
                    {"served", process.served},
                    {"restarts", std::max<int64_t>(process.starts - 1, 0)},
                    {"last_error", OrNull(process.last_error)},
                    {"outage", OutageObject(process.outage)}});
  }
  Json waiting = Json::MakeArray();
  for (const auto& [campaign_id, requests] : facts.waiting) {
    waiting.Push({{"campaign_id", campaign_id}, {"requests", requests}});
  }
  return Json({{"schema", "passnet.lanes/2"},
               {"outage", OutageObject(facts.outage)},
               {"processes", std::move(processes)},
               {"waiting", std::move(waiting)}})
      .Dump();
}

std::string EventJson(const trajectories::Event& event) {
  const auto& body = event.body;
  return Json({{"row_id", event.row_id},
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
               {"completion_tokens", OrNull(body.completion_tokens)}})
      .Dump();
}

}  // namespace passnet::daemon
