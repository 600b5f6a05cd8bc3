#include "dialects/sse_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace passnet::dialects {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> ParseInPieces(std::string_view bytes, size_t piece) {
  SseParser parser;
  std::vector<std::string> all;
  const auto take = [&](std::string_view data) { all.emplace_back(data); };
  for (size_t at = 0; at < bytes.size(); at += piece) {
    const std::string gone_after_this_call(bytes.substr(at, piece));
    parser.Feed(gone_after_this_call, take);
  }
  parser.Finish(take);
  return all;
}

std::vector<std::string> Parse(std::string_view bytes) { return ParseInPieces(bytes, bytes.size()); }

TEST(SseParserTest, EventsEndWithBlankLines) { EXPECT_THAT(Parse("data: a\n\ndata: b\n\n"), ElementsAre("a", "b")); }

TEST(SseParserTest, OnlyOneSpaceAfterTheColonIsDropped) {
  EXPECT_THAT(Parse("data:a\n\ndata:  b\n\ndata\n\n"), ElementsAre("a", " b", ""));
}

TEST(SseParserTest, SeveralDataLinesAreJoined) { EXPECT_THAT(Parse("data: a\ndata: b\n\n"), ElementsAre("a\nb")); }

TEST(SseParserTest, CommentsAndOtherFieldsAreSkipped) {
  EXPECT_THAT(Parse(": ping\n\nevent: x\nid: 7\nretry: 5\ndatabase: no\n\ndata: a\n\n:\n\n"), ElementsAre("a"));
}

TEST(SseParserTest, EveryLineEndIsUnderstood) {
  EXPECT_THAT(Parse("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ElementsAre("a", "b", "c"));
}

TEST(SseParserTest, ByteOrderMarkIsDropped) {
  EXPECT_THAT(Parse("\xEF\xBB\xBF"
                    "data: a\n\n"),
              ElementsAre("a"));
}

TEST(SseParserTest, LastEventNeedsNoBlankLine) {
  EXPECT_THAT(Parse("data: a\n\ndata: b\n"), ElementsAre("a", "b"));
  EXPECT_THAT(Parse("data: a\n\ndata: b"), ElementsAre("a", "b"));
}

TEST(SseParserTest, NothingGivesNothing) {
  EXPECT_THAT(Parse(""), IsEmpty());
  EXPECT_THAT(Parse("\n\n\r\n\r\n"), IsEmpty());
}

TEST(SseParserTest, PiecesOfAnySizeGiveTheSameEvents) {
  std::string_view stream = ": hi\r\n\r\ndata: gr\xC3\xBC\xC3\x9F dich\r\n\r\ndata: b\r\ndata: c\n\ndata: [DONE]\n\n";
  auto expected = Parse(stream);
  ASSERT_EQ(expected.size(), 3u);
  for (size_t piece = 1; piece < stream.size(); ++piece) EXPECT_EQ(ParseInPieces(stream, piece), expected) << piece;
}

}  // namespace
}  // namespace passnet::dialects
