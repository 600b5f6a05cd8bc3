// An evaluation whose candidate may be what ends the evaluator. Nothing that a candidate can bring about may leave it
// unscored, or a crash would pay better than being slow; but evaluators also end for reasons of their own. So a candidate
// whose evaluator ended gets a fresh one. When that ends too, while a third describes the same task without the candidate,
// its report says CRASH with the evidence. A report with verdict INFRA is asked for once more.
// Threads: blocking, as the LaneClient, which it borrows.
// Errors: the client's: infrastructure, kCancelled, or the request's own mistake, which is not asked again.
// Source: docs/integrity.md, section 5.
#pragma once

#include <chrono>
#include <functional>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/client/lane_client.h"

namespace passnet::evaluator {

struct SecondTry {
  Nanos limit = std::chrono::hours(24);  // of each try
  // Asked between two tries, when no request runs that a Cancel could end. Empty: never.
  std::function<bool()> cancelled;
};

Result<EvaluationReport> EvaluateWithSecondTry(LaneClient& client, const EvaluateRequest& request, const SecondTry& how,
                                               const ProgressFn& progress);

}  // namespace passnet::evaluator
