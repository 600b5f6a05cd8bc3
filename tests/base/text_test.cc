#include "base/text.h"

#include <gtest/gtest.h>

namespace passnet {
namespace {

const std::string kBad(kReplacementCharacter);

TEST(TextTest, WellFormedTextStays) {
  std::string text = "a \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80 \xEF\xBF\xBD";
  EXPECT_TRUE(IsUtf8(text));
  EXPECT_EQ(ReplaceInvalidUtf8(text), text);
}

TEST(TextTest, EachMalformedByteIsReplaced) {
  EXPECT_EQ(ReplaceInvalidUtf8("a\xC3"), "a" + kBad);
  EXPECT_EQ(ReplaceInvalidUtf8("\xE2\x82z"), kBad + kBad + "z");
  EXPECT_EQ(ReplaceInvalidUtf8("\xC0\xAF"), kBad + kBad) << "overlong";
  EXPECT_EQ(ReplaceInvalidUtf8("\xE0\x9F\x80"), kBad + kBad + kBad) << "overlong";
  EXPECT_EQ(ReplaceInvalidUtf8("\xF0\x8F\x80\x80"), kBad + kBad + kBad + kBad) << "overlong";
  EXPECT_EQ(ReplaceInvalidUtf8("\xED\xA0\x80"), kBad + kBad + kBad) << "surrogate";
  EXPECT_EQ(ReplaceInvalidUtf8("\xF4\x90\x80\x80"), kBad + kBad + kBad + kBad) << "beyond U+10FFFF";
  EXPECT_FALSE(IsUtf8("a\xC3"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
}

TEST(TextTest, OneLineIsBoundedAndPrintable) {
  EXPECT_EQ(OneLine("  a\n\n\tb\x1b[31m "), "a b [31m ");
  EXPECT_EQ(OneLine("abcdef", 3), "abc…");
  EXPECT_EQ(OneLine("abc", 3), "abc");
  EXPECT_EQ(OneLine("ab\xC3\xA9", 3), "ab…") << "a character is never cut in two";
  EXPECT_EQ(OneLine("a\xC3", 30), "a" + kBad);
}

TEST(TextTest, TrimmedTakesBlanksFromBothSides) {
  EXPECT_EQ(Trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(Trimmed(" \n"), "");
}

}  // namespace
}  // namespace passnet
