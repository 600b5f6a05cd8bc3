#include "evaluator/lane/scoring.h"

#include <algorithm>

#include "evaluator/api/graph_result.h"

namespace passnet::evaluator {
namespace {

bool Unscored(Verdict verdict) {
  return verdict == Verdict::kInfra || verdict == Verdict::kUnsupported || verdict == Verdict::kQuarantine;
}

passbench::GraphResult UpstreamResult(const GraphOutcome& graph) {
  using passbench::GraphStatus;
  if (graph.upstream_refuses) return passbench::FailedWith(GraphStatus::kEagerFail);
  switch (ToPassbenchStatus(graph.report.status)) {
    case GraphStatus::kCorrect:
      if (!graph.report.speedup_upstream) return passbench::FailedWith(GraphStatus::kEagerFail);
      return passbench::RanWith(graph.upstream_tolerances_ok, *graph.report.speedup_upstream);
    case GraphStatus::kShapeMismatch:
    case GraphStatus::kTypeMismatch: return passbench::FailedWith(GraphStatus::kShapeMismatch);
    default: return passbench::FailedWith(GraphStatus::kEagerFail);
  }
}

}  // namespace

ScoredGraphs ScoreOurs(const std::vector<GraphReport>& graphs, const passbench::ScoreOptions& options) {
  std::vector<passbench::GraphResult> results;
  for (const GraphReport& graph : graphs) {
    if (Unscored(graph.verdict)) return {};
    results.push_back(ToGraphResult(graph));
  }
  auto scores = passbench::Score(results, options);
  if (!scores) return {};
  return {scores.value().aggregated, scores.value().es};
}

std::optional<double> ScoreUpstream(const std::vector<GraphOutcome>& graphs, const passbench::ScoreOptions& options) {
  std::vector<passbench::GraphResult> results;
  for (const GraphOutcome& graph : graphs) {
    if (graph.in_place || graph.report.verdict == Verdict::kInfra || graph.report.verdict == Verdict::kUnsupported) {
      return std::nullopt;
    }
    results.push_back(UpstreamResult(graph));
  }
  auto scores = passbench::Score(results, options);
  return scores ? scores.value().aggregated : std::nullopt;
}

Verdict WorstVerdict(const std::vector<GraphReport>& graphs) {
  if (graphs.empty()) return Verdict::kInfra;
  Verdict worst = Verdict::kOk;
  for (const GraphReport& graph : graphs) worst = std::min(worst, graph.verdict);
  return worst;
}

}  // namespace passnet::evaluator
