#include "recorded_llm/pattern.h"

#include <gtest/gtest.h>

namespace passnet::recorded_llm {
namespace {

bool Found(const std::string& pattern, const std::string& message) {
  return Pattern::Compile(pattern).value().FoundIn(message);
}

TEST(PatternTest, LooksAnywhereInTheMessage) {
  EXPECT_TRUE(Found("line \\d+: (error|warning)", "a\nline 12: error\nb"));
  EXPECT_FALSE(Found("line \\d+: (error|warning)", "line x: error"));
}

TEST(PatternTest, DotStopsAtTheLineEnd) {
  EXPECT_FALSE(Found("a.*b", "a\nb"));
  EXPECT_TRUE(Found("a[\\s\\S]*b", "a\nb"));
}

TEST(PatternTest, NonsenseIsRefused) {
  auto pattern = Pattern::Compile("(open");
  ASSERT_FALSE(pattern);
  EXPECT_EQ(pattern.error().code, ErrorCode::kInvalidArgument);
}

// std::regex overflows the stack here.
TEST(PatternTest, LongMessagesAreSearched) { EXPECT_TRUE(Found("a.*z", "a" + std::string(1'000'000, 'x') + "z")); }

TEST(PatternTest, ExplodingSearchIsNotFound) { EXPECT_FALSE(Found("(a+)+$", std::string(5000, 'a') + "b")); }

}  // namespace
}  // namespace passnet::recorded_llm
