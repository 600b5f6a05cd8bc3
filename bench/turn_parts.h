// What the loop thread does for a turn beside talking to others, one part at a time: the pure functions, called again
// with what a journal holds of a campaign's turns.
// Threads: main thread only, blocking. Errors: those of reading the journal; kDataCorrupt.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace passnet::bench {

struct TurnParts {
  int64_t turns = 0;
  // Processor time a turn.
  double request_ms = 0;   // the conversation into the bytes of a request
  double reply_ms = 0;     // the bytes of a reply into an outcome, and the candidate out of it
  double feedback_ms = 0;  // a report into the text for the model
  double seal_ms = 0;      // hashing, cutting and compressing what is stored
};

// Of the campaign's first `trajectories`.
Result<TurnParts> MeasureTurnParts(const std::string& journal, const std::string& campaign_id, int64_t trajectories);

}  // namespace passnet::bench
