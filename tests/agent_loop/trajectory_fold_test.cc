// The fold over events that a hostile or broken store may hold.
#include "agent/loop/trajectory_fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::agent {
namespace {

using trajectories::EventDraft;
using trajectories::EventKind;

EventDraft EventOf(EventKind kind, const std::string& label, const std::string& payload) {
  EventDraft event;
  event.trajectory_id = "t-1";
  event.kind = kind;
  event.label = label;
  event.subject = "t-1/call-1";
  event.round = 1;
  event.payload = payload;
  return event;
}

Result<std::string> AnyContent(const std::string&) { return std::string("text"); }

Status Apply(TrajectoryFold* fold, const EventDraft& event) { return fold->Apply(event, AnyContent); }

const std::vector<std::string>& HostilePayloads() {
  static const std::vector<std::string> payloads = {std::string(1'000'000, '['), "", "[]", "\xff", "{\"a\":"};
  return payloads;
}

// Every event whose payload decides what happens next.
TEST(HostilePayloadTest, EndsAsCorruptDataThatNamesTheEvent) {
  const struct {
    EventKind kind;
    const char* label;
  } cases[] = {{EventKind::kLlmIntent, ""},
               {EventKind::kReplyParsed, "format_error"},
               {EventKind::kBudget, "refuse"},
               {EventKind::kInfra, "infra_lane"},
               {EventKind::kEvaluationReport, "OK"}};
  for (const std::string& payload : HostilePayloads()) {
    for (const auto& test : cases) {
      TrajectoryFold fold;
      Status applied = Apply(&fold, EventOf(test.kind, test.label, payload));
      ASSERT_FALSE(applied) << EventKindName(test.kind);
      EXPECT_EQ(applied.error().code, ErrorCode::kDataCorrupt);
      EXPECT_THAT(applied.error().context, ::testing::HasSubstr(std::string(EventKindName(test.kind))));
    }
  }
}

TEST(HostilePayloadTest, AttemptsAreReadTheSameWay) {
  for (const std::string& payload : HostilePayloads()) {
    for (EventKind kind : {EventKind::kLlmAttempt, EventKind::kLlmAttemptEnd}) {
      TrajectoryFold fold;
      ASSERT_TRUE(Apply(&fold, EventOf(EventKind::kPromptRendered, "", "{}")));
      ASSERT_TRUE(Apply(&fold, EventOf(EventKind::kLlmIntent, "", "{}")));
      Status applied = Apply(&fold, EventOf(kind, "received", payload));
      ASSERT_FALSE(applied) << EventKindName(kind);
      EXPECT_EQ(applied.error().code, ErrorCode::kDataCorrupt);
    }
  }
}

// Refusals by a busy server were counted as failures of the call after a restart.
TEST(OpenCallTest, FailuresOfEarlierLivesAreCountedByTheirKind) {
  TrajectoryFold fold;
  ASSERT_TRUE(Apply(&fold, EventOf(EventKind::kPromptRendered, "", "{}")));
  ASSERT_TRUE(Apply(&fold, EventOf(EventKind::kLlmIntent, "", "{}")));
  int64_t at_utc_us = 1000;
  for (const char* label : {"cancelled", "rate_limited", "overloaded", "transport", "rate_limited"}) {
    const bool own = std::string(label) != "cancelled";
    const std::string payload = own ? R"({"attempt":1,"own":true})" : R"({"attempt":1})";
    ASSERT_TRUE(fold.Apply(EventOf(EventKind::kLlmAttemptEnd, label, payload), AnyContent, nullptr, at_utc_us));
    at_utc_us += 1000;
  }
  ASSERT_TRUE(fold.open_call());
  EXPECT_EQ(fold.open_call()->counts.own, 4);
  EXPECT_EQ(fold.open_call()->counts.refused, 2);
  EXPECT_EQ(fold.open_call()->counts.lost, 1);
  EXPECT_EQ(fold.open_call()->failing_since_utc_us, 2000) << "not when we stopped it ourselves";
}

}  // namespace
}  // namespace passnet::agent
