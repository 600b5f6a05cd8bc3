#include "agent/llm/rate_headers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <string>
#include <string_view>

namespace passnet::agent {
namespace {

using dialects::RawReply;

// Beyond every limit of ours, and far from the end of the clock's range.
constexpr double kLongestSeconds = 366.0 * 86400;

const std::string* Header(const RawReply& reply, const std::string& name) {
  auto header = reply.headers.find(name);
  return header == reply.headers.end() ? nullptr : &header->second;
}

Nanos FromSeconds(double seconds) {
  return std::chrono::ceil<Nanos>(std::chrono::duration<double>(std::min(seconds, kLongestSeconds)));
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

// "2026-11-22T10:00:30Z", with a fraction of the second and an offset ("+02:00") or without, as seconds since 1970.
std::optional<double> ParseUtc(const std::string& text) {
  std::tm parts{};
  int read = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday,
                                 &parts.tm_hour, &parts.tm_min, &parts.tm_sec, &read);
  if (fields != 6) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(read));
  double fraction = 0;
  if (rest.starts_with('.')) {
    const size_t digits = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    auto number = ParseNumber(rest.substr(0, digits));
    if (!number) return std::nullopt;
    fraction = *number;
    rest.remove_prefix(digits);
  }
  int hours = 0, minutes = 0;
  char sign = '+', more = 0;
  const bool offset = std::sscanf(std::string(rest).c_str(), "%c%2d:%2d%c", &sign, &hours, &minutes, &more) == 3;
  if (rest != "Z" && (!offset || (sign != '+' && sign != '-'))) return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  const int64_t ahead = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
  return static_cast<double>(timegm(&parts) - ahead) + fraction;
}

// The server's own clock where it tells its time, so that a skewed clock of ours does no harm.
double NowAt(const RawReply& reply, int64_t utc_micros) {
  const std::string* date = Header(reply, "date");
  return static_cast<double>((date ? ParseHttpDate(*date) : std::nullopt).value_or(utc_micros / 1'000'000));
}

std::optional<double> ParseRetryAfter(const std::string& text, const RawReply& reply, int64_t utc_micros) {
  if (auto seconds = ParseNumber(text)) return seconds;
  auto until = ParseHttpDate(text);
  if (!until) return std::nullopt;
  return std::max<double>(0, static_cast<double>(*until) - NowAt(reply, utc_micros));
}

std::optional<Nanos> RetryAfter(const RawReply& reply, int64_t utc_micros) {
  if (const std::string* text = Header(reply, "retry-after-ms")) {
    if (auto millis = ParseNumber(*text)) return FromSeconds(*millis / 1000);
  }
  for (const char* name : {"retry-after", "llm_provider-retry-after"}) {
    const std::string* text = Header(reply, name);
    if (!text) continue;
    if (auto seconds = ParseRetryAfter(*text, reply, utc_micros)) return FromSeconds(*seconds);
  }
  return std::nullopt;
}

// "120ms", "1s", "6m0s", "1h2m3.5s", or plain seconds.
std::optional<Nanos> ParseSpan(std::string_view text) {
  if (auto seconds = ParseNumber(text)) return FromSeconds(*seconds);
  if (text.empty()) return std::nullopt;
  double sum = 0;
  while (!text.empty()) {
    const size_t digits = text.find_first_not_of("0123456789.");
    if (digits == std::string_view::npos) return std::nullopt;
    auto number = ParseNumber(text.substr(0, digits));
    if (!number) return std::nullopt;
    text.remove_prefix(digits);
    const size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const std::string_view unit = text.substr(0, letters);
    if (unit == "h") {
      sum += *number * 3600;
    } else if (unit == "m") {
      sum += *number * 60;
    } else if (unit == "s") {
      sum += *number;
    } else if (unit == "ms") {
      sum += *number / 1000;
    } else {
      return std::nullopt;
    }
    text.remove_prefix(letters);
  }
  return FromSeconds(sum);
}

std::optional<RateWindow> MakeWindow(const std::string* limit, const std::string* remaining,
                                     std::optional<Nanos> reset) {
  auto left = remaining ? ParseNumber(*remaining) : std::nullopt;
  if (!left || !reset) return std::nullopt;
  auto most = limit ? ParseNumber(*limit) : std::nullopt;
  return RateWindow{std::max(most.value_or(*left), *left), *left, *reset};
}

// OpenAI's names, which gateways use too, or Anthropic's, whose reset is a moment instead of a span.
std::optional<RateWindow> WindowOf(const RawReply& reply, const std::string& what, int64_t utc_micros) {
  const std::string* span = Header(reply, "x-ratelimit-reset-" + what);
  auto window = MakeWindow(Header(reply, "x-ratelimit-limit-" + what), Header(reply, "x-ratelimit-remaining-" + what),
                           span ? ParseSpan(*span) : std::nullopt);
  if (window) return window;
  const std::string prefix = "anthropic-ratelimit-" + what;
  const std::string* moment = Header(reply, prefix + "-reset");
  auto until = moment ? ParseUtc(*moment) : std::nullopt;
  if (!until) return std::nullopt;
  const Nanos reset = FromSeconds(std::max<double>(0, *until - NowAt(reply, utc_micros)));
  return MakeWindow(Header(reply, prefix + "-limit"), Header(reply, prefix + "-remaining"), reset);
}

}  // namespace

RateHeaders ReadRateHeaders(const RawReply& reply, int64_t utc_micros) {
  return {RetryAfter(reply, utc_micros), WindowOf(reply, "requests", utc_micros),
          WindowOf(reply, "tokens", utc_micros)};
}

}  // namespace passnet::agent
