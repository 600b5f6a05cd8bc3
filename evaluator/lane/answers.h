// What the processes answer that look at a candidate's files or run its code: screen, trace, match, and a candidate once
// it is installed. Text in, values out: typed, bounded, and made of nothing but the text, so that each reader can be
// tried with any bytes.
// Threads: pure functions.
// Errors: kDataCorrupt (no answer; names the field), kInternal (the screen failed and says so). Whose fault it is, the
// caller knows: of a trace and a candidate the candidate's, whose code ran there.
// Source: docs/worker_protocol.md, section 5.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "evaluator/integrity/observations.h"

namespace passnet::evaluator {

inline constexpr size_t kMaxReasonBytes = 2000;  // chosen: a reason stands in the report of every graph

// What the screen found, as one line; empty when there is nothing to find fault with.
Result<std::string> ReadScreen(std::string_view frame);

// A pass that could not be loaded. Every field is what a candidate's process wrote.
struct PassError {
  std::string pass, what;
  bool breaks_rule = false;
};

struct TraceAnswer {
  std::optional<std::string> error;  // the tracing as a whole failed
  std::vector<PassError> errors;
  bool uses_triton = false;
  bool has_passes = false;
  Json traced;  // all of it, for match children
};
Result<TraceAnswer> ReadTrace(std::string_view frame);

struct Match {
  Json plan;                      // for the candidate's process: the rewrites
  int matched_nodes = 0;
  std::optional<double> coverage;
  bool upstream_refuses = false;  // a matched pattern returns several nodes
  std::string miss;               // why there is nothing to rewrite; empty when there is
};
Result<Match> ReadMatch(std::string_view frame);

// Nothing when the candidate is ready for calls.
Result<std::optional<CallFailure>> ReadInstalled(std::string_view frame);

// What a witness says it saw (Witness's fields from `functions` to `launches`), in answer to this nonce.
Result<Witness> ReadWitness(std::string_view frame, uint64_t nonce);

}  // namespace passnet::evaluator
