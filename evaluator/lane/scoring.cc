#include "evaluator/lane/scoring.h"

#include <algorithm>

namespace passnet::evaluator {
namespace {

passbench::ScoreOptions Convert(const ScoreOptions& options) {
  return {options.p, options.b,
          options.interpretation == Interpretation::kMismatchExtended ? passbench::Interpretation::kMismatchExtended
                                                                      : passbench::Interpretation::kDefault};
}

passbench::GraphStatus Convert(GraphStatus status) {
  switch (status) {
    case GraphStatus::kCorrect:
    case GraphStatus::kAccuracy: return passbench::GraphStatus::kCorrect;
    case GraphStatus::kEagerFail: return passbench::GraphStatus::kEagerFail;
    case GraphStatus::kCompileFail: return passbench::GraphStatus::kCompileFail;
    case GraphStatus::kShapeMismatch: return passbench::GraphStatus::kShapeMismatch;
    case GraphStatus::kTypeMismatch: return passbench::GraphStatus::kTypeMismatch;
    case GraphStatus::kRuntimeFail: return passbench::GraphStatus::kRuntimeFail;
    case GraphStatus::kPassMiss: return passbench::GraphStatus::kPassMiss;
    case GraphStatus::kUnsupportedLane: break;
  }
  return passbench::GraphStatus::kEagerFail;
}

bool Unscored(Verdict verdict) {
  return verdict == Verdict::kInfra || verdict == Verdict::kUnsupported || verdict == Verdict::kQuarantine;
}

bool NeverForgiven(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTamper:
    case Verdict::kStatic:
    case Verdict::kDispatch:
    case Verdict::kMutation:
    case Verdict::kState:
    case Verdict::kTiming:
    case Verdict::kImplausible: return true;
    default: return false;
  }
}

passbench::GraphResult OurResult(const GraphReport& graph) {
  if (NeverForgiven(graph.verdict)) return passbench::FailedWith(passbench::GraphStatus::kEagerFail);
  passbench::GraphStatus status = Convert(graph.status);
  if (status != passbench::GraphStatus::kCorrect) return passbench::FailedWith(status);
  if (!graph.speedup_call) return passbench::FailedWith(passbench::GraphStatus::kRuntimeFail);
  double speedup = *graph.speedup_call;
  if (graph.verdict == Verdict::kTrivial) speedup = std::min(speedup, 1.0);
  return passbench::RanWith(graph.tolerances_ok, speedup);
}

passbench::GraphResult UpstreamResult(const GraphOutcome& graph) {
  using passbench::GraphStatus;
  switch (Convert(graph.report.status)) {
    case GraphStatus::kCorrect:
      if (!graph.report.speedup_upstream) return passbench::FailedWith(GraphStatus::kEagerFail);
      return passbench::RanWith(graph.upstream_tolerances_ok, *graph.report.speedup_upstream);
    case GraphStatus::kShapeMismatch:
    case GraphStatus::kTypeMismatch: return passbench::FailedWith(GraphStatus::kShapeMismatch);
    default: return passbench::FailedWith(GraphStatus::kEagerFail);
  }
}

}  // namespace

ScoredGraphs ScoreOurs(const std::vector<GraphReport>& graphs, const ScoreOptions& options) {
  std::vector<passbench::GraphResult> results;
  for (const GraphReport& graph : graphs) {
    if (Unscored(graph.verdict)) return {};
    results.push_back(OurResult(graph));
  }
  auto scores = passbench::Score(results, Convert(options));
  if (!scores) return {};
  return {scores.value().aggregated, scores.value().es};
}

std::optional<double> ScoreUpstream(const std::vector<GraphOutcome>& graphs, const ScoreOptions& options) {
  std::vector<passbench::GraphResult> results;
  for (const GraphOutcome& graph : graphs) {
    if (graph.in_place || graph.report.verdict == Verdict::kInfra || graph.report.verdict == Verdict::kUnsupported) {
      return std::nullopt;
    }
    results.push_back(UpstreamResult(graph));
  }
  auto scores = passbench::Score(results, Convert(options));
  return scores ? scores.value().aggregated : std::nullopt;
}

Verdict WorstVerdict(const std::vector<GraphReport>& graphs) {
  if (graphs.empty()) return Verdict::kInfra;
  Verdict worst = Verdict::kOk;
  for (const GraphReport& graph : graphs) worst = std::min(worst, graph.verdict);
  return worst;
}

}  // namespace passnet::evaluator
