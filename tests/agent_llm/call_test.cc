#include "agent/llm/call.h"

#include <stop_token>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent_llm/plain_dialect.h"
#include "tests/agent_llm/run_task.h"
#include "tests/fakes/fake_llm_client.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::ExchangeEnd;
using dialects::OutcomeClass;
using dialects::RawReply;
using fakes::FakeLlmClient;
using std::chrono::seconds;
using testing::ElementsAre;

// Writes down what it is told, in order, and fails where the test wants it to.
class RecordingObserver : public AttemptObserver {
 public:
  Task<Status> BeforeSend(int attempt) override {
    log_.push_back("intent " + std::to_string(attempt));
    if (on_intent_) on_intent_();
    if (attempt == refuse_intent_) co_return Error{ErrorCode::kIo, "disk full"};
    co_return OkStatus();
  }
  Task<Status> AfterReply(int attempt, const RawReply* reply) override {
    log_.push_back("reply " + std::to_string(attempt) + " " + std::to_string(reply->status));
    if (attempt == refuse_reply_) co_return Error{ErrorCode::kIo, "disk full"};
    co_return OkStatus();
  }
  Task<Status> AfterDecision(const AttemptCounts* counts, const AttemptOutcome* outcome,
                             const RetryDecision* decision) override {
    std::string verdict = decision->retry ? " again" : " end";
    log_.push_back(std::string(OutcomeClassName(outcome->outcome)) + " " + std::to_string(counts->made) + verdict);
    co_return OkStatus();
  }

  std::vector<std::string> log_;
  std::function<void()> on_intent_;  // while it is made durable
  int refuse_intent_ = 0;
  int refuse_reply_ = 0;
};

RawReply RateLimited(const std::string& retry_after) {
  RawReply reply = FakeLlmClient::Answer(429, "{}");
  reply.headers["retry-after"] = retry_after;
  return reply;
}

class CallTest : public testing::Test {
 protected:
  Result<CallResult> Call(std::deque<RawReply> script, CallOptions options = {}, std::stop_token cancel = {}) {
    client_ = std::make_unique<FakeLlmClient>(std::move(script));
    CallPorts ports{client_.get(), gate_.get(), &sleeper_, &observer_, &clock_, [] { return 0.5; }};
    return RunTask(CallModel(ports, {dialect_, "body"}, options, cancel));
  }

  fakes::FakeClock clock_;
  fakes::FakeSleeper sleeper_{&clock_};
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>("http://x/v1", GateOptions{}, &clock_, &sleeper_);
  RecordingObserver observer_;
  std::unique_ptr<FakeLlmClient> client_;
  const dialects::Dialect* dialect_ = &dialects::OpenAiChat();
};

TEST_F(CallTest, IntentAndReplyAreToldAroundEverySend) {
  auto result = Call({FakeLlmClient::Answer(500, ""), FakeLlmClient::Text("hi")});
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(result.value().outcome.reply.content, "hi");
  EXPECT_EQ(result.value().counts.made, 2);
  EXPECT_THAT(observer_.log_, ElementsAre("intent 1", "reply 1 500", "overloaded 1 again", "intent 2", "reply 2 200",
                                          "accepted 2 end"));
  EXPECT_THAT(client_->bodies(), ElementsAre("body", "body"));
  EXPECT_EQ(gate_->in_flight(), 0);
}

// A resume brings the bytes and the dialect of its intent, whatever the client would write today.
TEST_F(CallTest, ReplyIsReadInTheDialectOfTheRequest) {
  const PlainDialect plain;
  dialect_ = &plain;
  auto result = Call({FakeLlmClient::Answer(200, "not what the client's own dialect accepts")});
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.reply.content, "not what the client's own dialect accepts");
}

TEST_F(CallTest, EscalatingRetryAfterIsObeyedEachTime) {
  auto result = Call({RateLimited("1"), RateLimited("5"), RateLimited("60"), FakeLlmClient::Text("hi")});
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_THAT(sleeper_.slept(), ElementsAre(seconds(1), seconds(5), seconds(60)));
}

// A quota that was used up ended every trajectory; whoever tops the account up wants them to go on.
TEST_F(CallTest, QuotaIsWaitedFor) {
  const RawReply refused = FakeLlmClient::Answer(429, R"({"error":{"code":"insufficient_quota"}})");
  auto result = Call({refused, refused, FakeLlmClient::Text("hi")});
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_THAT(sleeper_.slept(), ElementsAre(seconds(60), seconds(120)));
}

TEST_F(CallTest, OutageIsRiddenOutWhateverTheCount) {
  std::deque<RawReply> script(50, FakeLlmClient::Answer(503, ""));
  script.push_back(FakeLlmClient::Text("hi"));
  auto result = Call(std::move(script));
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(result.value().counts.made, 51);
}

TEST_F(CallTest, OutageEndsACallAfterItsTime) {
  CallOptions options;
  options.retry.give_up_after = std::chrono::minutes(5);
  const SteadyTime begin = clock_.Now();
  auto result = Call(std::deque<RawReply>(50, FakeLlmClient::Answer(503, "")), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_LE(clock_.Now() - begin, std::chrono::minutes(6));
  EXPECT_EQ(gate_->in_flight(), 0);
}

// What failed for three days may fail for another ten minutes after a restart, not for another three days.
TEST_F(CallTest, TimeOfEarlierLivesCounts) {
  CallOptions options;
  options.failing_since_utc_us = clock_.UtcMicros() - 72 * int64_t{3'600'000'000};
  const SteadyTime begin = clock_.Now();
  auto result = Call(std::deque<RawReply>(50, FakeLlmClient::Answer(503, "")), options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_GE(clock_.Now() - begin, std::chrono::minutes(10));
  EXPECT_LE(clock_.Now() - begin, std::chrono::minutes(12));
}

// It had waited for fifteen minutes before its first attempt, which failed: it was given up at once.
TEST_F(CallTest, TimeRunsFromTheFirstAttemptThatFailed) {
  GateTurn turn;
  turn.campaign = "other";
  auto permit = RunTask(gate_->Acquire(turn, {}));
  ASSERT_TRUE(permit);
  permit.value().Settle({OutcomeClass::kRateLimited, "told", {}}, RateLimited("900"));
  CallOptions options;
  options.retry.give_up_after = std::chrono::minutes(5);
  auto result = Call({FakeLlmClient::Answer(503, ""), FakeLlmClient::Text("hi")}, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().counts.made, 2);
}

TEST_F(CallTest, ReplyThatIsAlwaysCutEndsTheCall) {
  RawReply cut = FakeLlmClient::Answer(200, "{");
  cut.end = ExchangeEnd::kCut;
  auto result = Call(std::deque<RawReply>(50, cut));
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kTransport);
  EXPECT_EQ(client_->bodies().size(), 6u);
  EXPECT_EQ(result.value().ended, "gave up: 6 replies were lost");
}

TEST_F(CallTest, EarlierLifesAttemptsCount) {
  CallOptions options;
  options.before = {2, 2, 2};
  options.retry.max_lost = 2;
  RawReply cut = FakeLlmClient::Answer(200, "{");
  cut.end = ExchangeEnd::kCut;
  auto result = Call({cut, FakeLlmClient::Text("hi")}, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kTransport);
  EXPECT_EQ(result.value().counts.made, 3);
  EXPECT_EQ(result.value().counts.lost, 3);
  EXPECT_THAT(observer_.log_, ElementsAre("intent 3", "reply 3 200", "transport 3 end"));
}

TEST_F(CallTest, NothingIsSentWithoutADurableIntent) {
  observer_.refuse_intent_ = 1;
  auto result = Call({FakeLlmClient::Text("hi")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
  EXPECT_TRUE(client_->bodies().empty());
  EXPECT_EQ(gate_->in_flight(), 0);
}

// SWE-agent#988: a paid reply was asked for again because something failed after it had come.
TEST_F(CallTest, FailureToStoreAReplyDoesNotAskAgain) {
  observer_.refuse_reply_ = 1;
  auto result = Call({FakeLlmClient::Answer(500, ""), FakeLlmClient::Text("hi")});
  ASSERT_FALSE(result);
  EXPECT_EQ(client_->bodies().size(), 1u);
}

// A pause ends what waits; the request that is on its way is paid and waited for.
TEST_F(CallTest, PauseEndsTheWaitingAndNotTheSending) {
  std::stop_source pause;
  pause.request_stop();
  CallOptions options;
  options.pause = pause.get_token();
  auto result = Call({FakeLlmClient::Text("hi")}, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(client_->bodies().empty());
}

// A stop or a pause that came while the intent was written did not keep the request from leaving.
TEST_F(CallTest, PauseWhileTheIntentIsWrittenSendsNothing) {
  std::stop_source pause;
  observer_.on_intent_ = [&pause] { pause.request_stop(); };
  CallOptions options;
  options.pause = pause.get_token();
  auto result = Call({FakeLlmClient::Text("hi")}, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kCancelled);
  EXPECT_FALSE(result.value().raw.sent);
  EXPECT_TRUE(client_->bodies().empty());
  EXPECT_THAT(observer_.log_, ElementsAre("intent 1", "reply 1 0", "cancelled 1 end"));
  EXPECT_EQ(gate_->in_flight(), 0);
}

TEST_F(CallTest, GateHearsWhichAttemptsAreNotTheFirst) {
  ASSERT_TRUE(Call({FakeLlmClient::Answer(500, ""), FakeLlmClient::Answer(500, ""), FakeLlmClient::Text("hi")}));
  EXPECT_EQ(gate_->facts().retries, 2u);
}

TEST_F(CallTest, CancelledCallSendsNothing) {
  std::stop_source cancel;
  cancel.request_stop();
  auto result = Call({FakeLlmClient::Text("hi")}, {}, cancel.get_token());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(client_->bodies().empty());
}

TEST_F(CallTest, GateHearsOfRateLimits) {
  ASSERT_TRUE(Call({RateLimited("1"), FakeLlmClient::Text("hi")}));
  EXPECT_EQ(gate_->limit(), 4);
}

}  // namespace
}  // namespace passnet::agent
