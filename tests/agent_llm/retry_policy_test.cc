#include "agent/llm/retry_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::agent {
namespace {

using dialects::ExchangeEnd;
using dialects::OutcomeClass;
using dialects::RawReply;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr int64_t kNow = 1'790'000'000'000'000;  // Mon, 21 Sep 2026 14:13:20 GMT

RawReply With(std::map<std::string, std::string> headers) {
  RawReply reply;
  reply.headers = std::move(headers);
  return reply;
}

RetryDecision Decide(OutcomeClass outcome, RawReply reply = {}, AttemptCounts counts = {1, 0, 0}, double jitter = 1.0) {
  return DecideRetry({}, reply, {outcome, "", {}}, counts, {kNow, Nanos(0), jitter});
}

TEST(RetryPolicyTest, OnlyInfrastructureThatMayPassIsRetried) {
  for (auto outcome : {OutcomeClass::kRateLimited, OutcomeClass::kOverloaded, OutcomeClass::kTransport,
                       OutcomeClass::kQuota, OutcomeClass::kAuth}) {
    EXPECT_TRUE(Decide(outcome).retry) << OutcomeClassName(outcome);
  }
  for (auto outcome : {OutcomeClass::kAccepted, OutcomeClass::kTruncated, OutcomeClass::kRefused,
                       OutcomeClass::kMalformed, OutcomeClass::kContextOverflow, OutcomeClass::kBadRequest,
                       OutcomeClass::kCancelled}) {
    EXPECT_FALSE(Decide(outcome).retry) << OutcomeClassName(outcome);
  }
}

TEST(RetryPolicyTest, ReplyBeyondTheBoundIsNotAskedForAgain) {
  RawReply reply;
  reply.end = ExchangeEnd::kTooLarge;
  EXPECT_FALSE(Decide(OutcomeClass::kTransport, reply).retry);
}

// BerriAI/litellm#20722: every sleep used the first response's Retry-After.
TEST(RetryPolicyTest, EachResponsesOwnWaitIsTaken) {
  for (int wait : {1, 2, 5, 60, 120}) {
    auto decision = Decide(OutcomeClass::kRateLimited, With({{"retry-after", std::to_string(wait)}}), {1, 0, 0}, 0.0);
    EXPECT_TRUE(decision.retry);
    EXPECT_EQ(decision.wait, seconds(wait));
  }
}

TEST(RetryPolicyTest, MillisecondsComeFirst) {
  auto decision = Decide(OutcomeClass::kRateLimited, With({{"retry-after", "7"}, {"retry-after-ms", "1500"}}));
  EXPECT_EQ(decision.wait, Millis(1500));
}

TEST(RetryPolicyTest, WaitIsRoundedUp) {
  EXPECT_GE(Decide(OutcomeClass::kRateLimited, With({{"retry-after", "0.3"}})).wait, Millis(300));
}

TEST(RetryPolicyTest, ProvidersWaitBehindAGatewayCountsWhenItHasNoneOfItsOwn) {
  EXPECT_EQ(Decide(OutcomeClass::kRateLimited, With({{"llm_provider-retry-after", "60"}})).wait, seconds(60));
}

TEST(RetryPolicyTest, DateIsReadAgainstTheServersClock) {
  auto by_ours = With({{"retry-after", "Mon, 21 Sep 2026 14:13:50 GMT"}});
  EXPECT_EQ(Decide(OutcomeClass::kOverloaded, by_ours).wait, seconds(30));
  auto by_theirs = With({{"retry-after", "Mon, 21 Sep 2026 16:00:10 GMT"}, {"date", "Mon, 21 Sep 2026 16:00:00 GMT"}});
  EXPECT_EQ(Decide(OutcomeClass::kOverloaded, by_theirs).wait, seconds(10));
  auto past = With({{"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_TRUE(Decide(OutcomeClass::kOverloaded, past).retry);
  EXPECT_EQ(Decide(OutcomeClass::kOverloaded, past).wait, Nanos(0));
}

// More than two minutes used to end the trajectory.
TEST(RetryPolicyTest, WaitIsBounded) {
  for (const char* wait : {"901", "86400", "1e300", "Tue, 22 Sep 2026 14:13:20 GMT"}) {
    auto decision = Decide(OutcomeClass::kRateLimited, With({{"retry-after", wait}}));
    EXPECT_TRUE(decision.retry) << wait;
    EXPECT_EQ(decision.wait, std::chrono::minutes(15)) << wait;
    EXPECT_THAT(decision.reason, HasSubstr("asks to wait"));
  }
}

TEST(RetryPolicyTest, UnreadableWaitFallsBackToOurs) {
  for (const char* wait : {"", "soon", "-5", "nan", "inf", "7s", "Mon, 99 Foo 2026 14:13:20 GMT"}) {
    auto decision = Decide(OutcomeClass::kRateLimited, With({{"retry-after", wait}}));
    EXPECT_TRUE(decision.retry) << wait;
    EXPECT_EQ(decision.wait, Millis(500)) << wait;
  }
}

TEST(RetryPolicyTest, BackoffDoublesAndIsCapped) {
  auto wait = [](int made) { return Decide(OutcomeClass::kOverloaded, {}, {made, 0, 0}, 1.0).wait; };
  EXPECT_EQ(wait(1), Millis(500));
  EXPECT_EQ(wait(2), seconds(1));
  EXPECT_EQ(wait(3), seconds(2));
  EXPECT_EQ(wait(4), seconds(4));
  EXPECT_EQ(wait(6), seconds(16));
  RetryOptions patient;
  EXPECT_EQ(wait(50), seconds(60));
  EXPECT_EQ(wait(100'000), seconds(60));
  patient.first_backoff = seconds(20);
  const Moment moment{kNow, Nanos(0), 1.0};
  EXPECT_EQ(DecideRetry(patient, {}, {OutcomeClass::kOverloaded, "", {}}, {1, 0, 0}, moment).wait, seconds(8));
}

TEST(RetryPolicyTest, BackoffHasFullJitter) {
  EXPECT_EQ(Decide(OutcomeClass::kOverloaded, {}, {3, 0, 0}, 0.0).wait, Nanos(0));
  EXPECT_EQ(Decide(OutcomeClass::kOverloaded, {}, {3, 0, 0}, 0.5).wait, seconds(1));
}

// An endpoint that was down for 200 s ended 55 of 60 trajectories: eight attempts were all that a call had.
TEST(RetryPolicyTest, WhatOthersSufferTooIsBoundedByTimeAlone) {
  for (auto outcome : {OutcomeClass::kOverloaded, OutcomeClass::kRateLimited, OutcomeClass::kTransport,
                       OutcomeClass::kAuth, OutcomeClass::kQuota}) {
    const AttemptCounts many{100'000, 0, 0};
    auto after = [&](Nanos span) { return DecideRetry({}, {}, {outcome, "", {}}, many, {kNow, span, 1.0}); };
    EXPECT_TRUE(after(std::chrono::hours(71)).retry) << OutcomeClassName(outcome);
    EXPECT_FALSE(after(std::chrono::hours(72)).retry) << OutcomeClassName(outcome);
    EXPECT_THAT(after(std::chrono::hours(72)).reason, HasSubstr("gave up after 259200 s"));
  }
}

TEST(RetryPolicyTest, OwnFailuresAndLostRepliesAreBounded) {
  EXPECT_TRUE(Decide(OutcomeClass::kOverloaded, {}, {90, 0, 7}).retry);
  EXPECT_FALSE(Decide(OutcomeClass::kOverloaded, {}, {90, 0, 8}).retry);
  EXPECT_TRUE(Decide(OutcomeClass::kRateLimited, {}, {90, 0, 63, 63}).retry) << "often its neighbours' doing";
  EXPECT_FALSE(Decide(OutcomeClass::kRateLimited, {}, {90, 0, 64, 64}).retry);
  EXPECT_TRUE(Decide(OutcomeClass::kOverloaded, {}, {90, 0, 41, 40}).retry) << "one failure after forty refusals";
  EXPECT_FALSE(Decide(OutcomeClass::kOverloaded, {}, {90, 0, 48, 40}).retry);
  EXPECT_TRUE(Decide(OutcomeClass::kTransport, {}, {90, 5, 5}).retry);
  EXPECT_FALSE(Decide(OutcomeClass::kTransport, {}, {90, 6, 6}).retry);
}

TEST(RetryPolicyTest, OnlyOwnFailuresAreCounted) {
  AttemptCounts counts{1, 0, 0};
  Count({}, OutcomeClass::kTransport, false, &counts);
  Count({}, OutcomeClass::kAuth, true, &counts);
  Count({}, OutcomeClass::kAccepted, true, &counts);
  EXPECT_EQ(counts.own, 0);
  Count({}, OutcomeClass::kOverloaded, true, &counts);
  Count({}, OutcomeClass::kTransport, true, &counts);
  EXPECT_EQ(counts.own, 2);
  EXPECT_EQ(counts.lost, 1);
  Count({}, OutcomeClass::kRateLimited, true, &counts);
  EXPECT_EQ(counts.own, 3);
  EXPECT_EQ(counts.refused, 1);
}

// An operator can put the certificate right; the calls wait as for a key.
TEST(RetryPolicyTest, UntrustedPeerIsAskedAgain) {
  RawReply reply;
  reply.end = ExchangeEnd::kPeerUntrusted;
  EXPECT_TRUE(Decide(OutcomeClass::kBadRequest, reply).retry);
}

TEST(RetryPolicyTest, ServersOwnVerdictComesFirst) {
  EXPECT_FALSE(Decide(OutcomeClass::kRateLimited, With({{"x-should-retry", "false"}, {"retry-after", "1"}})).retry);
  EXPECT_TRUE(Decide(OutcomeClass::kBadRequest, With({{"x-should-retry", "true"}})).retry);
  EXPECT_TRUE(Decide(OutcomeClass::kQuota, With({{"x-should-retry", "false"}})).retry) << "every call's, not this one's";
  EXPECT_FALSE(Decide(OutcomeClass::kAccepted, With({{"x-should-retry", "true"}})).retry);
}

}  // namespace
}  // namespace passnet::agent
