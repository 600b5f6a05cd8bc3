// A measured graph as the score code wants it: the one place where verdicts become PassBench's statuses.
// Threads: thread-safe, pure.
// Source: docs/passbench.md, sections 7 and 10.
#pragma once

#include "evaluator/api/evaluation.h"
#include "passbench/score.h"

namespace passnet::evaluator {

// Our finer taxonomy on PassBench's: `accuracy` is a run whose tolerances tell, `unsupported_lane` an eager failure.
passbench::GraphStatus ToPassbenchStatus(GraphStatus status);

// The graph by our verdicts and the time of the call alone. A trivial candidate gains nothing but may lose.
passbench::GraphResult ToGraphResult(const GraphReport& graph);

}  // namespace passnet::evaluator
