#include "agent/llm/wire_text.h"

#include <gtest/gtest.h>

namespace passnet::agent {
namespace {

constexpr const char* kBad = "\xEF\xBF\xBD";

TEST(WireTextTest, WellFormedTextStays) {
  std::string text = "a \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xEF\xBF\xBD";
  EXPECT_EQ(ReplaceInvalidUtf8(text), text);
}

TEST(WireTextTest, EachMalformedByteIsReplaced) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xC3"), std::string("a") + kBad);
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82z"), std::string(kBad) + kBad + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF"), std::string(kBad) + kBad) << "overlong";
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80"), std::string(kBad) + kBad + kBad) << "surrogate";
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x90\x80\x80"), std::string(kBad) + kBad + kBad + kBad) << "beyond U+10FFFF";
}

TEST(WireTextTest, OneLineIsBoundedAndPrintable) {
  EXPECT_EQ(OneLine("  a\n\n\tb\x1b[31m "), "a b [31m ");
  EXPECT_EQ(OneLine("abcdef", 3), "abc…");
}

}  // namespace
}  // namespace passnet::agent
