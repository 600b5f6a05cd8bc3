// What a candidate's function may dispatch to torch beside launching kernels of its own: what computes nothing. By name,
// from a list of what is allowed, so that an operation which nobody thought of is refused.
// Threads: thread-safe, pure. Source: docs/integrity.md, section 3, layer 5.
#pragma once

#include <string_view>
#include <vector>

#include "evaluator/integrity/observations.h"

namespace passnet::evaluator::integrity {

// Views, metadata, memory without content, copies, casts and fills: names of torch's dispatcher, without overloads.
bool IsAllowedOperation(std::string_view name);

// Those that are not, in the order in which they were first seen: an operation before what it is made of.
std::vector<Counted> Refused(const std::vector<Counted>& operations);

// Copies cost the candidate their time, like everything else; this many times the bytes of a call's tensors is more than
// laying out every input and every output anew, and no longer layout.
inline constexpr uint64_t kCopiedShare = 4;
// In all calls of a witness.
uint64_t MostCopied(const Witness& witness);

}  // namespace passnet::evaluator::integrity
