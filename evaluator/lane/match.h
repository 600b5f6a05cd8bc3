// Where a candidate's patterns lie in one graph: asked of a match child, trusted code in a throw-away process, because
// the traced patterns are a stranger's data.
// Threads: thread-compatible, blocking.
// Errors: infrastructure. Patterns that do not match, or cannot be read, are a Match.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/lane/kept_answers.h"
#include "evaluator/lane/task_child.h"
#include "evaluator/lane/worker_process.h"

namespace passnet::evaluator {

struct Match {
  Json plan;                      // for the candidate's process: the rewrites
  int matched_nodes = 0;
  std::optional<double> coverage;
  bool upstream_refuses = false;  // a matched pattern returns several nodes
  std::string miss;               // why there is nothing to rewrite; empty when there is
};

// `traced` is the trace child's answer. What the match child says goes into `kept`, or comes from there; null: it is asked.
Result<Match> MatchPatterns(std::shared_ptr<ForkParent> task, const Json& traced, Matching matching, KeptAnswers* kept);
// With the plans that the graph's task child keeps.
Result<Match> MatchPatterns(const std::shared_ptr<TaskChild>& task, const Json& traced, Matching matching);

}  // namespace passnet::evaluator
