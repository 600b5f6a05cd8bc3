// The witness of a graph: one more contender process, made as the timed ones are and called as they are, on the other cores
// and never timed. It is asked what the candidate's function dispatched and launched (layer 5), and to make the same calls
// once more with the kernels left out (layer 11). Nothing tells the candidate's Python that its process is this one.
// Threads: Testify on the maker thread. Borrows everything.
// Errors: infrastructure; what the candidate did is in Witness.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "base/result.h"
#include "evaluator/integrity/observations.h"
#include "evaluator/lane/reference.h"
#include "evaluator/lane/side.h"

namespace passnet::evaluator {

struct WitnessRequest {
  const GraphFacts& facts;
  std::function<Result<std::optional<CallFailure>>(Side&)> make;  // as SeatMakers::contender
  int functions_a_call = 1;                                       // rewrites of the plan
  std::chrono::milliseconds call_limit;                           // of one run; beyond it, it hangs
  Device& device;
};

Result<Witness> Testify(const WitnessRequest& request);

}  // namespace passnet::evaluator
