// From graph reports to the two figures of an evaluation, through the one score code in passbench/.
// Threads: thread-safe, pure.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "evaluator/lane/graph_evaluation.h"
#include "passbench/score.h"

namespace passnet::evaluator {

struct ScoredGraphs {
  std::optional<double> aggregated;
  std::map<int, double> es;
};

// Empty when any graph is unscored (infra, unsupported, quarantine) or there is none: a part is never passed off as the
// whole. Integrity verdicts count as failures that no tolerance forgives (docs/passbench.md, section 10).
ScoredGraphs ScoreOurs(const std::vector<GraphReport>& graphs, const passbench::ScoreOptions& options);

// What PassBench's protocol alone would have given: the seed-123 set decides, a miss, a crash or a pattern that upstream
// refuses is its eager_fail, a wrong type its shape_mismatch. Empty for a task with an in-place graph, which upstream
// compares with itself.
std::optional<double> ScoreUpstream(const std::vector<GraphOutcome>& graphs, const passbench::ScoreOptions& options);

// The verdict of a whole evaluation: the first in the order of precedence. kInfra for no graph at all.
Verdict WorstVerdict(const std::vector<GraphReport>& graphs);

}  // namespace passnet::evaluator
