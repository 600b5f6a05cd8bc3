#include "agent/llm/retry_policy.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "agent/llm/rate_headers.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::ExchangeEnd;
using dialects::OutcomeClass;
using dialects::RawReply;

using Seconds = std::chrono::duration<double>;

const std::string* Header(const RawReply& reply, const char* name) {
  auto header = reply.headers.find(name);
  return header == reply.headers.end() ? nullptr : &header->second;
}

// The endpoint says that no call of ours will succeed, until a person has put something right.
bool IsRefusedForGood(const RawReply& reply, OutcomeClass outcome) {
  return outcome == OutcomeClass::kQuota || outcome == OutcomeClass::kAuth || reply.end == ExchangeEnd::kPeerUntrusted;
}

bool IsRetryable(const RawReply& reply, OutcomeClass outcome) {
  if (IsRefusedForGood(reply, outcome)) return true;
  switch (outcome) {
    case OutcomeClass::kRateLimited:
    case OutcomeClass::kOverloaded: return true;
    case OutcomeClass::kTransport:
      // Asked again, the model would write as much again, and all of it would be billed.
      return reply.end != ExchangeEnd::kTooLarge;
    case OutcomeClass::kBadRequest: {
      const std::string* wish = Header(reply, "x-should-retry");
      return wish && *wish == "true";
    }
    case OutcomeClass::kAccepted:
    case OutcomeClass::kTruncated:
    case OutcomeClass::kRefused:
    case OutcomeClass::kMalformed:
    case OutcomeClass::kContextOverflow:
    case OutcomeClass::kQuota:
    case OutcomeClass::kAuth:
    case OutcomeClass::kCancelled: return false;
  }
  return false;
}

Nanos Backoff(const RetryOptions& options, int waits_before, double jitter) {
  Nanos cap = waits_before < 3 ? options.backoff_cap : options.late_backoff_cap;
  // 2^20 half seconds are beyond every cap; more would overflow.
  Nanos step = options.first_backoff * (int64_t{1} << std::min(waits_before, 20));
  return std::chrono::duration_cast<Nanos>(Seconds(std::min(step, cap)) * jitter);
}

RetryDecision GiveUp(std::string reason) { return {false, Nanos(0), std::move(reason)}; }

std::string ShowSeconds(Nanos span) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g s", Seconds(span).count());
  return text.data();
}

}  // namespace

void Count(const RawReply& reply, OutcomeClass outcome, bool own, AttemptCounts* counts) {
  const bool about_this_one = own || outcome == OutcomeClass::kBadRequest;
  if (!about_this_one || IsRefusedForGood(reply, outcome)) return;
  const bool lost = outcome == OutcomeClass::kTransport;
  const bool failed = lost || outcome == OutcomeClass::kOverloaded || outcome == OutcomeClass::kRateLimited ||
                      outcome == OutcomeClass::kBadRequest;
  if (failed) ++counts->own;
  if (outcome == OutcomeClass::kRateLimited) ++counts->refused;
  if (lost) ++counts->lost;
}

RetryDecision DecideRetry(const RetryOptions& options, const RawReply& reply, const AttemptOutcome& outcome,
                          const AttemptCounts& counts, Moment moment) {
  if (!IsRetryable(reply, outcome.outcome)) return GiveUp(std::string(OutcomeClassName(outcome.outcome)));
  const bool for_good = IsRefusedForGood(reply, outcome.outcome);
  const std::string* wish = Header(reply, "x-should-retry");
  // That a key is refused or an account is empty holds for every call alike: what is said about this one is no news.
  if (!for_good && wish && *wish == "false") return GiveUp("the server says x-should-retry: false");
  if (moment.failing_for >= options.give_up_after) return GiveUp("gave up after " + ShowSeconds(moment.failing_for));
  if (counts.lost > options.max_lost) return GiveUp("gave up: " + std::to_string(counts.lost) + " replies were lost");
  // A refusal says less about the call than a failure: where others take half of the places, it often gets none.
  const int failed = counts.own - counts.refused;
  if (failed >= options.max_attempts || counts.own >= 8 * options.max_attempts) {
    return GiveUp("gave up: " + std::to_string(counts.own) + " attempts failed while the endpoint answered others");
  }
  if (for_good) return {true, Nanos(0), "the endpoint refuses every call"};
  if (auto asked = ReadRateHeaders(reply, moment.utc_micros).retry_after) {
    return {true, std::min(*asked, options.longest_server_wait), "the server asks to wait " + ShowSeconds(*asked)};
  }
  return {true, Backoff(options, counts.made - 1, moment.jitter), "backing off"};
}

}  // namespace passnet::agent
