// The claims of a chaos run, held against evidence by hand: each sees what it is there to see.
#include "tests/chaos/claims.h"

#include <gtest/gtest.h>


namespace passnet::chaos {
namespace {

constexpr Tokens kTold{100, 20};

Sha256Digest Request(const std::string& body) { return Sha256Of(body); }

// One call of one trajectory: asked once, answered, its candidate measured in life 0.
class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    LedgerEntry entry;
    entry.number = 1;
    entry.request = Request("a");
    entry.kind = "honest";
    entry.billed = kTold;
    entry.told = kTold;
    entry.grade = Grade{"OK", 1.5};
    evidence_.requests = {entry};

    AttemptRecord attempt;
    attempt.call = "t/call-1";
    attempt.number = 1;
    attempt.request = Request("a");
    attempt.received = attempt.sent = true;
    attempt.request_id = RequestId(1);
    attempt.settled = 1;
    attempt.outcome = "accepted";
    attempt.usage_source = "provider";
    attempt.tokens = kTold;
    attempt.microusd = kTold.microusd();
    evidence_.journal.attempts = {attempt};
    evidence_.journal.calls["t/call-1"] = {"t", 1, 1, RequestId(1)};
    evidence_.journal.reports = {{5, "t", "e1", "refine", 1, {"OK", 1.5}}, {7, "t", "e2", "final", 1, {"OK", 1.5}}};
    evidence_.journal.microusd = kTold.microusd();
    evidence_.lane = {{0, "start", "evaluator"}, {0, "evaluate", "e1"}, {0, "evaluate", "e2"}};
    evidence_.lives = {0, 10};
  }

  // A further request with the same bytes, of which the journal knows nothing.
  void AddRequest(const Tokens& billed) {
    LedgerEntry entry;
    entry.number = static_cast<int64_t>(evidence_.requests.size()) + 1;
    entry.request = Request("a");
    entry.kind = "reset inside the body";
    entry.billed = billed;
    evidence_.requests.push_back(entry);
  }
  // A further attempt of the call; without an end unless `received`.
  AttemptRecord& AddAttempt(bool received) {
    AttemptRecord attempt;
    attempt.call = "t/call-1";
    attempt.number = static_cast<int64_t>(evidence_.journal.attempts.size()) + 1;
    attempt.request = Request("a");
    attempt.received = attempt.sent = received;
    attempt.settled = 1;
    attempt.outcome = received ? "transport" : "lost";
    attempt.usage_source = "reserved";
    attempt.microusd = 1000;
    evidence_.journal.microusd += 1000;
    evidence_.journal.attempts.push_back(attempt);
    return evidence_.journal.attempts.back();
  }

  int64_t Against(const std::string& name) const {
    for (const Claim& claim : Judge(evidence_)) {
      if (claim.name == name) return claim.against;
    }
    ADD_FAILURE() << "there is no claim " << name;
    return -1;
  }
  int64_t All() const {
    int64_t sum = 0;
    for (const Claim& claim : Judge(evidence_)) sum += claim.against;
    return sum;
  }

  Evidence evidence_;
};

TEST_F(ClaimsTest, NothingSpeaksAgainstACallThatWentWell) {
  EXPECT_EQ(All(), 0);
  const Balance balance = BalanceOf(evidence_);
  EXPECT_EQ(balance.answered, 1);
  EXPECT_EQ(balance.unanswered + balance.in_doubt + balance.never_sent, 0);
  EXPECT_EQ(balance.told_microusd, kTold.microusd());
}

TEST_F(ClaimsTest, RequestWithoutAnAttemptIsSeen) {
  AddRequest({});
  EXPECT_EQ(Against("requests_without_attempt"), 1);
}

TEST_F(ClaimsTest, AttemptInDoubtMayHaveArrivedOrNot) {
  AddAttempt(true);
  EXPECT_EQ(All(), 0) << "it did not arrive";
  AddRequest({100, 100});
  EXPECT_EQ(All(), 0) << "it did";
  AddRequest({});
  EXPECT_EQ(Against("requests_without_attempt"), 1) << "but once only";
}

TEST_F(ClaimsTest, AttemptWithoutAnEndMayHaveBeenSentOnceMore) {
  AddAttempt(false);
  AddRequest({});
  AddRequest({});
  EXPECT_EQ(All(), 0);
  AddRequest({});
  EXPECT_EQ(Against("requests_without_attempt"), 1);
}

TEST_F(ClaimsTest, AttemptThatWasNeverSentCoversNoRequest) {
  AttemptRecord& attempt = AddAttempt(true);
  attempt.sent = false;
  attempt.usage_source = "none";
  attempt.microusd = 0;
  evidence_.journal.microusd -= 1000;
  EXPECT_EQ(All(), 0);
  AddRequest({});
  EXPECT_EQ(Against("requests_without_attempt"), 1);
  evidence_.journal.attempts.back().asked_on_fresh = true;
  EXPECT_EQ(All(), 0) << "the kept-alive connection carried it";
}

TEST_F(ClaimsTest, AnswerThatTheEndpointDoesNotKnowIsSeen) {
  evidence_.journal.attempts[0].request_id = RequestId(9);
  EXPECT_EQ(Against("answers_without_request"), 1);
  evidence_.journal.attempts[0].request_id = RequestId(1);
  evidence_.journal.attempts[0].request = Request("b");
  EXPECT_EQ(Against("answers_without_request"), 1) << "of another request";
}

TEST_F(ClaimsTest, AnswerOfTwoAttemptsIsSeen) {
  AddAttempt(true).request_id = RequestId(1);
  EXPECT_EQ(Against("answers_without_request"), 1);
}

TEST_F(ClaimsTest, MissingAndDoubledEndsAreSeen) {
  evidence_.journal.calls["t/call-1"].ends = 0;
  EXPECT_EQ(Against("ends_missing_or_doubled"), 1);
  evidence_.journal.calls["t/call-1"].ends = 1;
  evidence_.journal.attempts[0].settled = 2;
  EXPECT_EQ(Against("ends_missing_or_doubled"), 1);
}

TEST_F(ClaimsTest, AnotherBillThanTheEndpointsIsSeen) {
  evidence_.journal.attempts[0].tokens.completion = 1;
  EXPECT_EQ(Against("bill_differences"), 1) << "what was told, in part";
  evidence_.journal.attempts[0].tokens = kTold;
  evidence_.journal.microusd += 1;
  EXPECT_EQ(Against("bill_differences"), 1) << "an event beside the attempts";
}

TEST_F(ClaimsTest, UsageThatNobodyToldIsSeen) {
  evidence_.requests[0].told.reset();
  EXPECT_EQ(Against("bill_differences"), 1);
}

TEST_F(ClaimsTest, TooLittleSetAsideIsSeen) {
  AddAttempt(true);
  AddRequest({2000, 0});
  EXPECT_EQ(Against("bill_differences"), 1);
}

TEST_F(ClaimsTest, NothingSetAsideForWhatMayBeBilledIsSeen) {
  AttemptRecord& attempt = AddAttempt(true);
  attempt.usage_source = "none";
  attempt.microusd = 0;
  evidence_.journal.microusd -= 1000;
  EXPECT_EQ(Against("bill_differences"), 1);
}

TEST_F(ClaimsTest, AcceptedCandidateWithoutItsReportIsSeen) {
  evidence_.journal.reports.clear();
  EXPECT_EQ(Against("accepted_lost"), 1);
}

TEST_F(ClaimsTest, GradeOfAnotherCandidateIsSeen) {
  evidence_.journal.reports[0].grade = {"R.CRASH", 0.1};
  EXPECT_EQ(Against("accepted_lost"), 2) << "the round's, and the last one which is of no round then";
}

TEST_F(ClaimsTest, FailedCandidateHasTheScoreOfAFailure) {
  evidence_.requests[0].grade = Grade{"MISS", 1.5};
  for (ReportRecord& report : evidence_.journal.reports) report.grade = {"MISS", 0.1};
  EXPECT_EQ(All(), 0);
}

TEST_F(ClaimsTest, SecondReportIsSeen) {
  evidence_.journal.reports.push_back({8, "t", "e3", "refine", 1, {"OK", 1.5}});
  EXPECT_EQ(Against("graded_twice"), 1) << "of the same round";
}

TEST_F(ClaimsTest, MeasurementAfterTheReportIsSeen) {
  evidence_.lane.push_back({0, "evaluate", "e1"});
  EXPECT_EQ(Against("graded_twice"), 0) << "in the same life: before the report was stored";
  evidence_.lane.push_back({1, "evaluate", "e1"});
  EXPECT_EQ(Against("graded_twice"), 1);
}

TEST_F(ClaimsTest, ReplyThatTwoCallsAcceptedIsSeen) {
  evidence_.journal.calls["t/call-2"] = {"t", 2, 1, RequestId(1)};
  evidence_.journal.reports.push_back({8, "t", "e3", "refine", 2, {"OK", 1.5}});
  EXPECT_EQ(Against("graded_twice"), 1);
}

}  // namespace
}  // namespace passnet::chaos
