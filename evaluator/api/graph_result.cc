#include "evaluator/api/graph_result.h"

#include <algorithm>

namespace passnet::evaluator {

passbench::GraphStatus ToPassbenchStatus(GraphStatus status) {
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

passbench::GraphResult ToGraphResult(const GraphReport& graph) {
  if (IsCheating(graph.verdict)) return passbench::FailedWith(passbench::GraphStatus::kEagerFail);
  passbench::GraphStatus status = ToPassbenchStatus(graph.status);
  if (status != passbench::GraphStatus::kCorrect) return passbench::FailedWith(status);
  if (!graph.speedup_call) return passbench::FailedWith(passbench::GraphStatus::kRuntimeFail);
  double speedup = *graph.speedup_call;
  if (graph.verdict == Verdict::kTrivial) speedup = std::min(speedup, 1.0);
  return passbench::RanWith(graph.tolerances_ok, speedup);
}

}  // namespace passnet::evaluator
