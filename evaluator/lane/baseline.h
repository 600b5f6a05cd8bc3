// The baselines of a task's graphs, TorchInductor or a second eager process, measured beside eager exactly as candidates
// are.
// Threads: thread-compatible, blocking. Errors: infrastructure and kCancelled; a graph that the baseline cannot run has
// that in its report.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/lane/graph_evaluation.h"
#include "evaluator/lane/inductor.h"
#include "passbench/task.h"

namespace passnet::evaluator {

struct BaselineContext {
  std::string device;  // as torch names it in the worker
  Profile profile = Profile::kPassbench;
  std::shared_ptr<InductorParent> inductor;  // null: the baseline is a second eager process
  std::function<Result<GraphContext>(const passbench::Graph&)> context_of;
  std::function<void(const passbench::Graph&)> begun;  // progress: this graph is measured now
};

// One outcome a graph, in their order.
Result<std::vector<GraphOutcome>> MeasureBaselines(const std::vector<passbench::Graph>& graphs,
                                                   const BaselineContext& baseline);

}  // namespace passnet::evaluator
