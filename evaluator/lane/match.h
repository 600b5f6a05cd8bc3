// Where a candidate's patterns lie in one graph: asked of a match child, trusted code in a throw-away process, because
// the traced patterns are a stranger's data.
// Threads: thread-compatible, blocking.
// Errors: infrastructure. Patterns that do not match, cannot be read, or end the children that match them, are a Match.
#pragma once

#include <chrono>
#include <memory>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/lane/answers.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

// How long the matcher may search for one candidate's patterns, over all graphs of an evaluation. Honest ones take
// milliseconds. Patterns that ran out of it on one graph get little on the others: twice a minute on each of a dozen
// graphs would outlast the evaluation's own deadline, and that would be a failure on our side again.
struct MatchPatience {
  Nanos limit = std::chrono::seconds(60);
  Nanos limit_once_lost = std::chrono::seconds(5);
  bool lost = false;
};

// `traced` is the trace child's answer. What the match child says goes into `kept`, or comes from there; null: it is asked.
Result<Match> MatchPatterns(const std::shared_ptr<ForkParent>& task, const Json& traced, Matching matching,
                            MatchPatience& patience, KeptAnswers* kept);

}  // namespace passnet::evaluator
