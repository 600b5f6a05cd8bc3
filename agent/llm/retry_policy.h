// Whether to ask again after an attempt, and when: a pure function of that attempt's own outcome and headers.
// Threads: immutable. Errors: none.
// Source: docs/llm.md, "Waiting"; OpenAI's SDK for the order of the headers.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"

namespace passnet::agent {

struct RetryOptions {
  int max_attempts = 8;  // chosen: rides out about three minutes of refusals
  int max_lost = 2;      // attempts that may have been billed for nothing; OpenAI's SDK retries twice
  Nanos first_backoff = Millis(500);
  Nanos backoff_cap = std::chrono::seconds(8);            // for the first three waits
  Nanos late_backoff_cap = std::chrono::seconds(60);      // from the fourth on
  Nanos longest_server_wait = std::chrono::seconds(120);  // a server that asks for more is given up
};

// What has happened so far in this call, the attempt being decided included.
struct AttemptCounts {
  int made = 1;
  int lost = 0;
};

struct RetryDecision {
  bool retry = false;
  Nanos wait{0};
  std::string reason;  // "retry-after 12 s", "gave up: 8 attempts"
};

// `utc_micros`: now, for Retry-After as a date when the server sends no Date. `jitter` in [0, 1).
// A wait that the server names is taken exactly; our own backoff has full jitter.
RetryDecision DecideRetry(const RetryOptions& options, const dialects::RawReply& reply,
                          const dialects::AttemptOutcome& outcome, AttemptCounts counts, int64_t utc_micros,
                          double jitter);

}  // namespace passnet::agent
