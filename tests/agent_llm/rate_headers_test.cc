#include "agent/llm/rate_headers.h"

#include <gtest/gtest.h>

namespace passnet::agent {
namespace {

using dialects::RawReply;
using std::chrono::seconds;

RawReply Requests(const std::string& remaining, const std::string& reset) {
  RawReply reply;
  reply.headers = {{"x-ratelimit-limit-requests", "500"},
                   {"x-ratelimit-remaining-requests", remaining},
                   {"x-ratelimit-reset-requests", reset}};
  return reply;
}

TEST(RateHeadersTest, SpansAreReadAsTheyAreWritten) {
  const std::pair<const char*, Nanos> cases[] = {{"1s", seconds(1)},        {"6m0s", seconds(360)},
                                                 {"120ms", Millis(120)},    {"1h2m3.5s", Millis(3'723'500)},
                                                 {"0.25", Millis(250)},     {"59", seconds(59)},
                                                 {"0s", seconds(0)}};
  for (const auto& [text, span] : cases) {
    auto window = ReadRateHeaders(Requests("7", text), 0).requests;
    ASSERT_TRUE(window) << text;
    EXPECT_EQ(window->reset, span) << text;
    EXPECT_EQ(window->remaining, 7);
    EXPECT_EQ(window->limit, 500);
  }
}

TEST(RateHeadersTest, UnreadableIsAsIfItWereNotThere) {
  for (const char* reset : {"", "soon", "-1s", "1x", "s", "1s2", "nan", "1e999s", "..s"}) {
    EXPECT_FALSE(ReadRateHeaders(Requests("7", reset), 0).requests) << reset;
  }
  for (const char* remaining : {"", "-1", "many", "inf"}) {
    EXPECT_FALSE(ReadRateHeaders(Requests(remaining, "1s"), 0).requests) << remaining;
  }
  EXPECT_FALSE(ReadRateHeaders(RawReply(), 0).tokens);
}

RawReply Anthropic(const std::string& reset, const std::string& date = "Sun, 22 Nov 2026 10:00:00 GMT") {
  RawReply reply;
  reply.headers = {{"date", date},
                   {"anthropic-ratelimit-requests-limit", "50"},
                   {"anthropic-ratelimit-requests-remaining", "3"},
                   {"anthropic-ratelimit-requests-reset", reset}};
  return reply;
}

// A moment on the server's clock, where others tell a span.
TEST(RateHeadersTest, AnthropicsMomentsAreReadAgainstTheServersClock) {
  const std::pair<const char*, Nanos> cases[] = {
      {"2026-11-22T10:00:30Z", seconds(30)},      {"2026-11-22T10:01:00.5Z", Millis(60'500)},
      {"2026-11-22T12:00:07+02:00", seconds(7)},  {"2026-11-22T08:30:07-01:30", seconds(7)},
      {"2026-11-22T09:59:59Z", seconds(0)},       {"2026-11-23T00:00:00Z", std::chrono::hours(14)}};
  for (const auto& [text, span] : cases) {
    auto window = ReadRateHeaders(Anthropic(text), 0).requests;
    ASSERT_TRUE(window) << text;
    EXPECT_EQ(window->reset, span) << text;
    EXPECT_EQ(window->remaining, 3);
    EXPECT_EQ(window->limit, 50);
  }
  EXPECT_FALSE(ReadRateHeaders(Anthropic("2026-11-22T10:00:30Z"), 0).tokens);
  RawReply tokens;
  tokens.headers = {{"anthropic-ratelimit-tokens-remaining", "0"},
                    {"anthropic-ratelimit-tokens-reset", "1970-01-01T00:00:20Z"}};
  EXPECT_EQ(ReadRateHeaders(tokens, 5'000'000).tokens->reset, seconds(15)) << "without Date, against our own";
}

TEST(RateHeadersTest, UnreadableMomentsAreAsIfTheyWereNotThere) {
  for (const char* reset : {"", "soon", "30", "2026-11-22", "2026-11-22T10:00:30", "2026-11-22 10:00:30Z",
                            "2026-11-22T10:00:30.Z", "2026-11-22T10:00:30Zx", "2026-11-22T10:00:30*02:00",
                            "2026-11-22T10:00:30+02:00x"}) {
    EXPECT_FALSE(ReadRateHeaders(Anthropic(reset), 0).requests) << reset;
  }
}

TEST(RateHeadersTest, HugeSpansStayInTheClocksRange) {
  auto window = ReadRateHeaders(Requests("0", "1e300"), 0).requests;
  ASSERT_TRUE(window);
  EXPECT_LE(window->reset, std::chrono::hours(24 * 366));
}

}  // namespace
}  // namespace passnet::agent
