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
  // What others suffer too is asked again for so long, whatever the count; from the call's first attempt that failed,
  // in whichever life of the daemon. Chosen: a weekend.
  Nanos give_up_after = std::chrono::hours(72);
  // Attempts that failed while the endpoint answered other calls: the failure is this call's own then.
  int max_attempts = 8;
  // Such of them that may have been billed for nothing. Chosen: where a fifth of all replies is cut, one call in 15,000
  // ends of it.
  int max_lost = 5;
  Nanos first_backoff = Millis(500);
  Nanos backoff_cap = std::chrono::seconds(8);            // for the first three waits
  Nanos late_backoff_cap = std::chrono::seconds(60);      // from the fourth on
  Nanos longest_server_wait = std::chrono::minutes(15);   // a server that asks for more is asked again then
};

// What has happened so far in this call, the attempt being decided included.
struct AttemptCounts {
  int made = 1;
  int lost = 0;  // replies, perhaps billed; of the own failures
  int own = 0;   // failures while the endpoint answered others
  int refused = 0;  // 429s, of the own ones
};

struct RetryDecision {
  bool retry = false;
  Nanos wait{0};
  std::string reason;  // "the server asks to wait 12 s", "gave up: 8 attempts failed while the endpoint answered others"
};

struct Moment {
  int64_t utc_micros = 0;  // now, for Retry-After as a date when the server sends no Date
  Nanos failing_for{0};    // the call, see RetryOptions::give_up_after
  double jitter = 0;       // in [0, 1)
};

// Adds an attempt that failed. `own`: see Gate::Permit::Settle.
void Count(const dialects::RawReply& reply, dialects::OutcomeClass outcome, bool own, AttemptCounts* counts);

// A wait that the server names is taken exactly, up to a limit; our own backoff has full jitter.
RetryDecision DecideRetry(const RetryOptions& options, const dialects::RawReply& reply,
                          const dialects::AttemptOutcome& outcome, const AttemptCounts& counts, Moment moment);

}  // namespace passnet::agent
