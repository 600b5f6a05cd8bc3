// passnet.campaign_report/1: the report as other programs read it.
#include "agent/campaign/report.h"
#include "base/json.h"

namespace passnet::agent {
namespace {

Json ToObject(const trajectories::UsageTotals& usage) {
  return {{"calls", usage.calls},
          {"calls_lost", usage.calls_lost},
          {"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"cost_microusd", usage.cost_microusd}};
}

Json ToObject(const Figures& figures) {
  Json es = Json::MakeObject();
  for (const auto& [t, value] : figures.es) es.Set(std::to_string(t), value);
  return {{"aggregated_score", OrNull(figures.aggregated_score)},
          {"tasks", figures.tasks},
          {"graphs", figures.graphs},
          {"es", es}};
}

Json ToObject(const Interval& interval) {
  return {{"value", interval.value}, {"low", OrNull(interval.low)}, {"high", OrNull(interval.high)}};
}

Json ToObject(const std::optional<Interval>& interval) { return interval ? ToObject(*interval) : Json(); }

Json ToList(const std::vector<AtK>& steps) {
  Json list = Json::MakeArray();
  for (const AtK& step : steps) {
    Json& item = list.Push(Json({{"k", step.k}, {"tasks", step.tasks}}));
    const Json interval = ToObject(step.interval);
    for (const auto& [key, value] : interval.Members()) item.Set(key, value);
  }
  return list;
}

Json ToObject(const Statistics& statistics) {
  return {{"method", "percentile bootstrap over tasks"},
          {"resamples", kResamples},
          {"confidence", kConfidence},
          {"aggregated_score", ToObject(statistics.aggregated_score)},
          {"speedup", ToObject(statistics.speedup)},
          {"inductor_score", ToObject(statistics.inductor_score)},
          {"pass_at", ToList(statistics.pass_at)},
          {"best_at", ToList(statistics.best_at)}};
}

Json ToObject(const TaskRow& row) {
  Json round_scores = Json::MakeArray();
  for (const auto& score : row.round_scores) round_scores.Push(OrNull(score));
  return {{"task", row.task},
          {"sample", row.sample},
          {"trajectory_id", OrNull(row.trajectory_id)},
          {"outcome", OrNull(row.outcome)},
          {"reason", OrNull(row.reason)},
          {"rounds", row.rounds},
          {"round_scores", round_scores},
          {"verdict", OrNull(row.verdict)},
          {"score", OrNull(row.score)},
          {"noise", OrNull(row.noise)},
          {"speedup", OrNull(row.speedup)},
          {"inductor_score", OrNull(row.inductor_score)},
          {"inductor_speedup", OrNull(row.inductor_speedup)},
          {"graphs", row.graphs},
          {"graphs_correct", row.graphs_correct},
          {"scored", row.scored},
          {"usage", ToObject(row.usage)}};
}

Json ToObject(const TaskSummary& task) {
  return {{"task", task.task},
          {"hash", task.hash},
          {"begun", task.begun},
          {"scored", task.scored},
          {"solved", task.solved},
          {"graphs", task.graphs},
          {"score", OrNull(task.score)},
          {"noise", OrNull(task.noise)},
          {"best_score", OrNull(task.best_score)},
          {"speedup", OrNull(task.speedup)},
          {"inductor_score", OrNull(task.inductor_score)},
          {"inductor_speedup", OrNull(task.inductor_speedup)}};
}

Json CostOf(const CampaignReport& report) {
  int64_t solved = 0;
  for (const TaskSummary& task : report.by_task) solved += task.solved > 0;
  const auto& usage = report.state.usage;
  const double wall_s =
      static_cast<double>(report.state.updated_at_utc_us - report.state.launched_at_utc_us) / 1e6;
  const int64_t tokens = usage.prompt_tokens + usage.completion_tokens;
  std::optional<double> usd;
  if (report.spec.refine.prices.known()) usd = static_cast<double>(usage.cost_microusd) / 1e6;
  Json cost = {{"wall_s", wall_s}, {"tokens", tokens}, {"usd", OrNull(usd)}, {"tasks_solved", solved}};
  Json each;
  if (solved > 0) {
    const auto tasks = static_cast<double>(solved);
    each = Json({{"wall_s", wall_s / tasks},
                 {"tokens", static_cast<double>(tokens) / tasks},
                 {"usd", usd ? Json(*usd / tasks) : Json()}});
  }
  cost.Set("per_solved_task", std::move(each));
  return cost;
}

template <typename Rows>
Json ToObjects(const Rows& rows) {
  Json list = Json::MakeArray();
  for (const auto& row : rows) list.Push(ToObject(row));
  return list;
}

}  // namespace

std::string ToJson(const CampaignReport& report) {
  const ScoringOptions& scoring = report.spec.refine.scoring;
  Json json = {{"schema", kCampaignReportSchema},
               {"campaign_id", report.state.campaign_id},
               {"name", report.state.name},
               {"state", report.state.state},
               {"state_reason", OrNull(report.detail.reason)},
               {"waits_for", OrNull(report.detail.what)},
               {"next_try", OrNull(report.detail.next_try)},
               {"model", report.spec.refine.sampling.model},
               {"device", scoring.device},
               {"profile", evaluator::ProfileName(scoring.final_profile)},
               {"time_cap_ms", scoring.final_time_cap_ms},
               {"call_path", evaluator::CallPathName(scoring.call_path)},
               {"matching", evaluator::MatchingName(scoring.matching)},
               {"p", scoring.p},
               {"b", scoring.b},
               {"environment", report.environment},
               {"samples", report.spec.samples},
               {"stop_after_solved", report.spec.stop_after_solved},
               {"restart", RestartKindName(report.spec.restart)},
               {"n_tasks", report.by_task.size()},
               {"n_scored", report.n_scored},
               {"n_infra", report.n_infra},
               {"n_unfinished", report.n_unfinished},
               {"n_skipped", report.n_skipped},
               {"aggregated_score", OrNull(report.campaign.aggregated_score)},
               {"es", ToObject(report.campaign)["es"]},
               {"campaign", ToObject(report.campaign)},
               {"campaign_with_baseline", ToObject(report.campaign_with_baseline)},
               {"inductor", ToObject(report.inductor)},
               {"statistics", ToObject(report.statistics)},
               {"score_by_round", report.score_by_round},
               {"outcomes", report.outcomes},
               {"verdicts", report.verdicts},
               {"reasons", report.reasons},
               {"usage", ToObject(report.state.usage)},
               {"cost", CostOf(report)},
               {"lost_calls", report.lost_calls},
               {"by_task", ToObjects(report.by_task)},
               {"tasks", ToObjects(report.tasks)}};
  return json.Dump();
}

}  // namespace passnet::agent
