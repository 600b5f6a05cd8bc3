// What the headers of a reply say about how much its endpoint takes: when to come back, and what is left of requests
// and tokens until when.
// Threads: pure functions. Errors: none; what cannot be read is as if it were not there.
// Source: docs/llm.md, "Waiting"; RFC 9110 and RFC 3339 for dates; OpenAI's documentation for x-ratelimit-*, Anthropic's
// ("Rate limits") for anthropic-ratelimit-*.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "dialects/raw_reply.h"

namespace passnet::agent {

struct RateWindow {
  double limit = 0;
  double remaining = 0;
  Nanos reset{0};  // from now
};

struct RateHeaders {
  // retry-after-ms, then Retry-After as seconds or date, then llm_provider-retry-after (LiteLLM's).
  std::optional<Nanos> retry_after;
  std::optional<RateWindow> requests;
  std::optional<RateWindow> tokens;
};

// `utc_micros`: now, for what is told as a date by a server that sends no Date.
RateHeaders ReadRateHeaders(const dialects::RawReply& reply, int64_t utc_micros);

}  // namespace passnet::agent
