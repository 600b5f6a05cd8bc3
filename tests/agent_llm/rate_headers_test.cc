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

TEST(RateHeadersTest, HugeSpansStayInTheClocksRange) {
  auto window = ReadRateHeaders(Requests("0", "1e300"), 0).requests;
  ASSERT_TRUE(window);
  EXPECT_LE(window->reset, std::chrono::hours(24 * 366));
}

}  // namespace
}  // namespace passnet::agent
