// Reads what a call left in its output slot and compares it with the reference's: headers first, as hostile bytes, then
// every element. Also what the call did to its inputs.
// Threads: thread-compatible. Borrows both sides, whose processes must be stopped.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluator/lane/side.h"

namespace passnet::evaluator {

class OutputComparer {
 public:
  // `mutated[i]`: the reference changes input i; it then counts as an output.
  explicit OutputComparer(std::vector<bool> mutated) : mutated_(std::move(mutated)) {}

  // Slot `slot` of both sides after the same call.
  OutputComparison Compare(Side& reference, Side& candidate, uint32_t slot) const;

 private:
  std::vector<bool> mutated_;
};

// Strides that the candidate's outputs of a slot claim, for null blocks of its layout; empty when they cannot be used.
std::vector<SlotOutput> ClaimedLayout(const Side& candidate, uint32_t slot);

}  // namespace passnet::evaluator
