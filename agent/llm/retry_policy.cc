#include "agent/llm/retry_policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string_view>

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

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, section 5.6.7) as seconds since 1970.
std::optional<int64_t> ParseHttpDate(const std::string& text) {
  char month[4] = {};
  std::tm parts{};
  int fields = std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &parts.tm_mday, month, &parts.tm_year,
                           &parts.tm_hour, &parts.tm_min, &parts.tm_sec);
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  size_t at = kMonths.find(month);
  if (fields != 6 || at == std::string_view::npos || at % 3 != 0) return std::nullopt;
  parts.tm_mon = static_cast<int>(at / 3);
  parts.tm_year -= 1900;
  return timegm(&parts);
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool readable = error == std::errc() && end == text.data() + text.size();
  return readable && std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

// Against the server's own clock where it tells its time, so that a skewed clock of ours does no harm.
std::optional<double> ParseRetryAfter(const std::string& text, const RawReply& reply, int64_t utc_micros) {
  if (auto seconds = ParseNumber(text)) return seconds;
  auto until = ParseHttpDate(text);
  if (!until) return std::nullopt;
  const std::string* date = Header(reply, "date");
  int64_t now = (date ? ParseHttpDate(*date) : std::nullopt).value_or(utc_micros / 1'000'000);
  return std::max<double>(0, static_cast<double>(*until - now));
}

// How long this very response asks to wait, in seconds.
std::optional<double> ServerWait(const RawReply& reply, int64_t utc_micros) {
  if (const std::string* text = Header(reply, "retry-after-ms")) {
    if (auto millis = ParseNumber(*text)) return *millis / 1000;
  }
  // LiteLLM passes its provider's wish on under the second name and gives none of its own.
  for (const char* name : {"retry-after", "llm_provider-retry-after"}) {
    const std::string* text = Header(reply, name);
    if (!text) continue;
    if (auto seconds = ParseRetryAfter(*text, reply, utc_micros)) return seconds;
  }
  return std::nullopt;
}

bool IsRetryable(const RawReply& reply, OutcomeClass outcome) {
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

std::string ShowSeconds(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", seconds);
  return text.data();
}

}  // namespace

RetryDecision DecideRetry(const RetryOptions& options, const RawReply& reply, const AttemptOutcome& outcome,
                          AttemptCounts counts, int64_t utc_micros, double jitter) {
  if (!IsRetryable(reply, outcome.outcome)) return GiveUp(std::string(OutcomeClassName(outcome.outcome)));
  const std::string* wish = Header(reply, "x-should-retry");
  if (wish && *wish == "false") return GiveUp("the server says x-should-retry: false");
  if (counts.made >= options.max_attempts) return GiveUp("gave up after " + std::to_string(counts.made) + " attempts");
  if (counts.lost > options.max_lost) return GiveUp("gave up: " + std::to_string(counts.lost) + " replies were lost");
  if (auto seconds = ServerWait(reply, utc_micros)) {
    if (Seconds(*seconds) > options.longest_server_wait) {
      return GiveUp("the server asks to wait " + ShowSeconds(*seconds) + ", longer than the limit");
    }
    return {true, std::chrono::ceil<Nanos>(Seconds(*seconds)), "the server asks to wait " + ShowSeconds(*seconds)};
  }
  return {true, Backoff(options, counts.made - 1, jitter), "backing off"};
}

}  // namespace passnet::agent
