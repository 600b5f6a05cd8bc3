#include "recorded_llm/fault.h"

#include <gtest/gtest.h>

namespace passnet::recorded_llm {
namespace {

TEST(FaultTest, EveryNthStartsAtTheNth) {
  FaultRule rule = ParseFault("500:every=3").value();
  EXPECT_EQ(rule.kind, FaultKind::kServerError);
  std::vector<int64_t> hit;
  for (int64_t request = 1; request <= 7; ++request) {
    if (rule.AppliesTo(request)) hit.push_back(request);
  }
  EXPECT_EQ(hit, (std::vector<int64_t>{3, 6}));
}

TEST(FaultTest, AtHitsOnce) {
  FaultRule rule = ParseFault("429:at=2,retry_after=7").value();
  EXPECT_EQ(rule.kind, FaultKind::kRateLimit);
  EXPECT_EQ(rule.retry_after_s, 7);
  EXPECT_FALSE(rule.AppliesTo(1));
  EXPECT_TRUE(rule.AppliesTo(2));
  EXPECT_FALSE(rule.AppliesTo(4));
}

TEST(FaultTest, FirstRuleThatAppliesWins) {
  std::vector<FaultRule> rules = {ParseFault("html:at=4").value(), ParseFault("stall:every=2").value()};
  EXPECT_FALSE(FaultOf(rules, 1));
  EXPECT_EQ(FaultOf(rules, 2)->kind, FaultKind::kStall);
  EXPECT_EQ(FaultOf(rules, 4)->kind, FaultKind::kHtml);
}

TEST(FaultTest, NonsenseIsRefused) {
  for (const char* text :
       {"", "500", "500:", "501:every=1", "500:every", "500:every=", "500:every=0", "500:every=-1", "500:every=2x",
        "500:every=1,at=2", "500:every=1,retry_after=2", "500:often=1", "429:retry_after=1"}) {
    EXPECT_FALSE(ParseFault(text)) << text;
  }
}

}  // namespace
}  // namespace passnet::recorded_llm
