#include "trajectories/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace passnet::trajectories {
namespace {

using testing::ElementsAre;

std::vector<std::string> Split(std::string_view json) {
  std::vector<std::string> pieces;
  for (std::string_view piece : SplitRequest(json)) pieces.emplace_back(piece);
  return pieces;
}

TEST(SplitRequestTest, EachMessageIsOnePiece) {
  EXPECT_THAT(Split(R"({"model":"m","messages":[{"role":"user"},{"role":"assistant"}],"n":1})"),
              ElementsAre(R"({"model":"m","messages":[)", R"({"role":"user"})", R"(,{"role":"assistant"})",
                          R"(],"n":1})"));
}

TEST(SplitRequestTest, BracketsQuotesAndEscapesInsideStringsAreText) {
  EXPECT_THAT(Split(R"({"messages": [{"content":"a],\"{[\\"}, {"c":[1,[2]]}]})"),
              ElementsAre(R"({"messages": [)", R"({"content":"a],\"{[\\"})", R"(, {"c":[1,[2]]})", "]}"));
}

TEST(SplitRequestTest, OnlyTheTopLevelArrayCounts) {
  const char* nested = R"({"tools":{"messages":[1,2]},"x":"messages","y":[3]})";
  EXPECT_THAT(Split(nested), ElementsAre(nested));
  EXPECT_THAT(Split(R"({"t":{"messages":[1,2]},"messages":[3]})"),
              ElementsAre(R"({"t":{"messages":[1,2]},"messages":[)", "3", "]}"));
}

TEST(SplitRequestTest, JoinedPiecesAreTheBytesWhateverTheyAre) {
  for (std::string text : {"", "{", "[", "{\"messages\":[", "{\"messages\":[1,", "{\"messages\":[\"",
                           "{\"messages\":[\"\\", "{\"messages\":[]}", "}}]]", "{\"messages\":[{]}]}",
                           "\"messages\":[1]"}) {
    std::string joined;
    for (std::string_view piece : SplitRequest(text)) joined += piece;
    EXPECT_EQ(joined, text);
  }
}

TEST(BatchTest, SameContentIsHeldOnce) {
  Batch batch;
  auto first = batch.AddBlob("abc").value();
  EXPECT_EQ(batch.AddBlob("abc").value(), first);
  EXPECT_EQ(batch.blobs().size(), 1u);
  EXPECT_EQ(ToHex(first), Sha256Hex("abc"));
}

TEST(KnownBlobsTest, WhatWasNotAskedForInALongTimeIsForgotten) {
  KnownBlobs known;
  Batch kept, lost;
  const Sha256Digest asked = kept.AddBlob("asked for").value();
  const Sha256Digest left = lost.AddBlob("left alone").value();
  EXPECT_FALSE(known.Holds(asked)) << "what is not committed is not known";
  known.Learn(kept);
  known.Learn(lost);
  EXPECT_TRUE(Batch(&known).AddBlob("asked for").value() == asked);
  for (int i = 0; i < 20; ++i) {
    Batch many;
    for (int k = 0; k < 5000; ++k) ASSERT_TRUE(many.AddBlob(std::to_string(i) + "/" + std::to_string(k)));
    known.Learn(many);
    EXPECT_TRUE(known.Holds(asked)) << i;
  }
  EXPECT_FALSE(known.Holds(left));
}

TEST(BatchTest, GrowingConversationAddsOnlyItsNewMessages) {
  Batch batch;
  ASSERT_TRUE(batch.AddRequest(R"({"messages":[{"a":1}]})"));
  size_t before = batch.blobs().size();
  ASSERT_TRUE(batch.AddRequest(R"({"messages":[{"a":1},{"b":2}]})"));
  EXPECT_EQ(batch.blobs().size(), before + 1);
  EXPECT_EQ(batch.wholes().size(), 2u);
}

TEST(BatchTest, LongPayloadBecomesABlob) {
  Batch batch;
  EventDraft draft;
  draft.campaign_id = "c-1";
  draft.kind = EventKind::kEnvironment;
  draft.payload = std::string(kInlinePayloadBytes, 'x');
  ASSERT_TRUE(batch.Add(draft));
  EXPECT_TRUE(batch.blobs().empty());
  draft.payload += 'x';
  ASSERT_TRUE(batch.Add(draft));
  EXPECT_EQ(batch.blobs().size(), 1u);
}

TEST(BatchTest, ContentAboveTheLimitIsRefused) {
  std::string large(kMaxBlobBytes + 1, 'x');
  EXPECT_EQ(Batch().AddBlob(large).error().code, ErrorCode::kResourceExhausted);
}

struct BadDraft {
  const char* name;
  void (*spoil)(EventDraft* draft);
  const char* named;
};

class BadDraftTest : public testing::TestWithParam<BadDraft> {};

TEST_P(BadDraftTest, IsRefusedByName) {
  EventDraft draft;
  draft.campaign_id = "c-1";
  draft.trajectory_id = "t-1";
  draft.kind = EventKind::kEvaluationReport;
  draft.subject = "e-1";
  draft.label = "OK";
  ASSERT_TRUE(Validate(draft));
  GetParam().spoil(&draft);
  auto refused = Batch().Add(draft);
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().context.find(GetParam().named), std::string::npos) << refused.error().context;
}

INSTANTIATE_TEST_SUITE_P(
    Fields, BadDraftTest,
    testing::Values(
        BadDraft{"NoCampaign", [](EventDraft* d) { d->campaign_id.clear(); }, "campaign_id"},
        BadDraft{"NoTrajectory", [](EventDraft* d) { d->trajectory_id.clear(); }, "trajectory_id"},
        BadDraft{"CampaignKind", [](EventDraft* d) { d->kind = EventKind::kCampaignState; }, "trajectory_id"},
        BadDraft{"OddId", [](EventDraft* d) { d->trajectory_id = "t\"1"; }, "trajectory_id"},
        BadDraft{"LongId", [](EventDraft* d) { d->trajectory_id = std::string(129, 't'); }, "trajectory_id"},
        BadDraft{"NoSubject", [](EventDraft* d) { d->subject.clear(); }, "subject"},
        BadDraft{"NulInSubject", [](EventDraft* d) { d->subject = std::string("e\0", 2); }, "subject"},
        BadDraft{"NoLabel", [](EventDraft* d) { d->label.clear(); }, "label"},
        BadDraft{"NanScore", [](EventDraft* d) { d->score = std::numeric_limits<double>::quiet_NaN(); }, "score"},
        BadDraft{"NegativeTokens", [](EventDraft* d) { d->prompt_tokens = -1; }, "token"}),
    [](const auto& one) { return one.param.name; });

TEST(EventKindTest, NamesGoThereAndBack) {
  for (int i = 0; i <= static_cast<int>(EventKind::kTrajectoryFinished); ++i) {
    auto kind = static_cast<EventKind>(i);
    EXPECT_EQ(EventKindFromName(EventKindName(kind)), kind);
  }
  EXPECT_EQ(EventKindFromName("from_the_future"), std::nullopt);
}

TEST(EventHashTest, FieldBordersCannotMove) {
  Event a;
  a.body.subject = "ab";
  a.body.label = "c";
  Event b = a;
  b.body.subject = "a";
  b.body.label = "bc";
  EXPECT_NE(HashOf(a), HashOf(b));
}

TEST(EventHashTest, UnknownIsNotZero) {
  Event a;
  Event b;
  b.body.score = 0.0;
  Event c;
  c.body.round = 0;
  EXPECT_NE(HashOf(a), HashOf(b));
  EXPECT_NE(HashOf(a), HashOf(c));
}

// Computed once with Python's hashlib from docs/formats.md alone: a change of the bytes that a hash covers would make
// every existing journal look forged.
TEST(EventHashTest, GoldenValueStays) {
  Event event;
  event.row_id = 7;
  event.seq = 3;
  event.at_utc_us = 1790000000000001;
  event.body.campaign_id = "c-1";
  event.body.trajectory_id = "t-1";
  event.body.kind = EventKind::kEvaluationReport;
  event.body.subject = "e-1";
  event.body.label = "ok";
  event.body.round = 2;
  event.body.score = 1.5;
  event.body.completion_tokens = 9;
  event.body.refs.push_back({"report", Sha256().Update("r").Finish()});
  event.payload_sha256 = Sha256().Update("{}").Finish();
  EXPECT_EQ(ToHex(HashOf(event)), "42c8ba32382528687731ef0f96c207423a2bd4e45ac3187f3dc1d6d70094892b");
}

}  // namespace
}  // namespace passnet::trajectories
