#include "agent/campaign/report.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/json.h"
#include "evaluator/api/graph_result.h"
#include "evaluator/api/json.h"

namespace passnet::agent {
namespace {

using evaluator::GraphReport;
using evaluator::Verdict;
using passbench::GraphResult;
using passbench::GraphStatus;
using trajectories::Event;
using trajectories::EventKind;

// What the events of one trajectory say beside its cached state.
struct Measured {
  std::optional<evaluator::EvaluationReport> final_report;
  std::optional<evaluator::BaselineReport> baseline;
  int64_t graphs = 0;
  std::string reason;
};

std::optional<double> MeanSpeedup(const std::vector<GraphReport>& graphs, int64_t* correct) {
  double sum = 0;
  int64_t count = 0;
  for (const GraphReport& graph : graphs) {
    bool ok = graph.status == evaluator::GraphStatus::kCorrect && graph.speedup_call && *graph.speedup_call > 0;
    if (!ok || evaluator::IsCheating(graph.verdict)) continue;
    sum += std::log(*graph.speedup_call);
    ++count;
  }
  if (correct != nullptr) *correct = count;
  if (count == 0) return std::nullopt;
  return std::exp(sum / static_cast<double>(count));
}

Result<Figures> FiguresOf(const std::vector<GraphResult>& graphs, int64_t tasks, const ScoringOptions& scoring) {
  Figures figures;
  figures.tasks = tasks;
  figures.graphs = static_cast<int64_t>(graphs.size());
  if (graphs.empty()) return figures;
  passbench::ScoreOptions options;
  options.p = scoring.p;
  options.b = scoring.b;
  ASSIGN_OR_RETURN(passbench::Scores scores, passbench::Score(graphs, options));
  figures.aggregated_score = scores.aggregated;
  figures.es = std::move(scores.es);
  return figures;
}

Status ReadTrajectory(const std::vector<Event>& events, Measured* measured) {
  std::string final_id;
  for (const Event& event : events) {
    const auto& body = event.body;
    if (body.kind == EventKind::kEvaluationIntent && body.label == "final") final_id = body.subject;
    if (body.kind == EventKind::kEvaluationReport && body.subject == final_id) {
      ASSIGN_OR_RETURN(measured->final_report, evaluator::EvaluationReportFromJson(body.payload));
    }
    if (body.kind == EventKind::kBaseline) {
      auto baseline = evaluator::BaselineReportFromJson(body.payload);
      if (baseline && !baseline.value().graphs.empty()) measured->baseline = std::move(baseline).value();
    }
    bool first_prompt = body.kind == EventKind::kPromptRendered && body.round == 1;
    if (!first_prompt && body.kind != EventKind::kTrajectoryFinished) continue;
    auto payload = ParseJsonObject(body.payload, "journal row " + std::to_string(event.row_id));
    if (!payload) return DataCorrupt(payload.error().context);
    if (first_prompt) measured->graphs = payload.value()["graphs"].Integer();
    if (!first_prompt) measured->reason = payload.value()["reason"].Text();
  }
  return OkStatus();
}

// A task that ended on the model's side without anything measured failed on every graph.
std::vector<GraphResult> ResultsOf(const Measured& measured) {
  std::vector<GraphResult> results;
  if (measured.final_report) {
    for (const GraphReport& graph : measured.final_report->graphs) results.push_back(ToGraphResult(graph));
  } else {
    results.assign(static_cast<size_t>(measured.graphs), passbench::FailedWith(GraphStatus::kPassMiss));
  }
  return results;
}

bool IsScored(const TaskRow& row, const Measured& measured) {
  if (row.outcome.empty() || row.outcome == "infra" || row.outcome == "cancelled") return false;
  // An unsupported or quarantined candidate is measured but not scored.
  return measured.final_report ? measured.final_report->aggregated_score.has_value() : measured.graphs > 0;
}

void FillRow(const trajectories::TrajectoryState& state, const Measured& measured, TaskRow* row) {
  row->trajectory_id = state.trajectory_id;
  row->outcome = state.outcome;
  row->reason = measured.reason;
  row->rounds = state.rounds;
  row->verdict = state.verdict;
  row->usage = state.usage;
  row->graphs = measured.graphs;
  if (measured.final_report) {
    row->verdict = evaluator::VerdictName(measured.final_report->verdict);
    row->score = measured.final_report->aggregated_score;
    row->speedup = MeanSpeedup(measured.final_report->graphs, &row->graphs_correct);
  }
  if (measured.baseline) {
    row->inductor_score = measured.baseline->aggregated_score;
    row->inductor_speedup = MeanSpeedup(measured.baseline->graphs, nullptr);
  }
  row->scored = IsScored(*row, measured);
}

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

Json ToObject(const TaskRow& row) {
  return {{"task", row.task},
          {"trajectory_id", OrNull(row.trajectory_id)},
          {"outcome", OrNull(row.outcome)},
          {"reason", OrNull(row.reason)},
          {"rounds", row.rounds},
          {"verdict", OrNull(row.verdict)},
          {"score", OrNull(row.score)},
          {"speedup", OrNull(row.speedup)},
          {"inductor_score", OrNull(row.inductor_score)},
          {"inductor_speedup", OrNull(row.inductor_speedup)},
          {"graphs", row.graphs},
          {"graphs_correct", row.graphs_correct},
          {"scored", row.scored},
          {"usage", ToObject(row.usage)}};
}

}  // namespace

Result<StateDetail> LoadStateDetail(trajectories::Reader& reader, const std::string& campaign_id) {
  ASSIGN_OR_RETURN(auto events, reader.Chain(campaign_id, ""));
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->body.kind != EventKind::kCampaignState) continue;
    auto payload = ParseJsonObject(event->body.payload, "journal row " + std::to_string(event->row_id));
    if (!payload) return DataCorrupt(payload.error().context);
    const Json& detail = payload.value();
    return StateDetail{detail["reason"].Text(), detail["what"].Text(), detail["next_try"].Text()};
  }
  return StateDetail();
}

Result<CampaignReport> BuildReport(trajectories::Reader& reader, const std::string& campaign_id) {
  CampaignReport report;
  ASSIGN_OR_RETURN(report.state, reader.Campaign(campaign_id));
  ASSIGN_OR_RETURN(report.detail, LoadStateDetail(reader, campaign_id));
  ASSIGN_OR_RETURN(Launch launch, LoadLaunch(reader, campaign_id));
  report.spec = launch.spec;
  ASSIGN_OR_RETURN(auto trajectories, AllTrajectories(reader, campaign_id));
  std::vector<GraphResult> scored;
  std::vector<GraphResult> scored_with_baseline;
  std::vector<GraphResult> inductor;
  int64_t with_baseline = 0;
  for (const CampaignTask& task : launch.tasks) {
    TaskRow row;
    row.task = task.name;
    Measured measured;
    // In the order of their start: what was tried again counts, what it replaces does not.
    for (const auto& state : trajectories) {
      if (state.task != task.name) continue;
      ASSIGN_OR_RETURN(auto events, reader.Chain(campaign_id, state.trajectory_id));
      measured = Measured();
      row = TaskRow();
      row.task = task.name;
      RETURN_IF_ERROR(ReadTrajectory(events, &measured));
      FillRow(state, measured, &row);
      for (const Event& event : events) {
        if (event.body.kind == EventKind::kLlmLost) report.lost_calls.push_back(event.body.subject);
      }
    }
    if (row.scored) {
      auto results = ResultsOf(measured);
      scored.insert(scored.end(), results.begin(), results.end());
      ++report.n_scored;
      if (measured.baseline) {
        ++with_baseline;
        scored_with_baseline.insert(scored_with_baseline.end(), results.begin(), results.end());
        for (const GraphReport& graph : measured.baseline->graphs) inductor.push_back(ToGraphResult(graph));
      }
    }
    report.n_infra += row.outcome == "infra";
    report.n_unfinished += row.outcome.empty();
    report.tasks.push_back(std::move(row));
  }
  const ScoringOptions& scoring = launch.spec.refine.scoring;
  ASSIGN_OR_RETURN(report.campaign, FiguresOf(scored, report.n_scored, scoring));
  ASSIGN_OR_RETURN(report.campaign_with_baseline, FiguresOf(scored_with_baseline, with_baseline, scoring));
  ASSIGN_OR_RETURN(report.inductor, FiguresOf(inductor, with_baseline, scoring));
  return report;
}

std::string ToJson(const CampaignReport& report) {
  const ScoringOptions& scoring = report.spec.refine.scoring;
  Json tasks = Json::MakeArray();
  for (const TaskRow& row : report.tasks) tasks.Push(ToObject(row));
  Json json = {{"schema", "passnet.campaign_report/1"},
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
               {"n_tasks", report.tasks.size()},
               {"n_scored", report.n_scored},
               {"n_infra", report.n_infra},
               {"n_unfinished", report.n_unfinished},
               {"aggregated_score", OrNull(report.campaign.aggregated_score)},
               {"es", ToObject(report.campaign)["es"]},
               {"campaign", ToObject(report.campaign)},
               {"campaign_with_baseline", ToObject(report.campaign_with_baseline)},
               {"inductor", ToObject(report.inductor)},
               {"usage", ToObject(report.state.usage)},
               {"lost_calls", report.lost_calls},
               {"tasks", tasks}};
  return json.Dump();
}

}  // namespace passnet::agent
