// passnet-recorded-llm as users start it, asked by the client that the agent uses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <fstream>

#include "agent/llm/call.h"
#include "agent/llm/client.h"
#include "base/file.h"
#include "tests/agent_llm/run_task.h"
#include "tests/recorded_llm/conversation_folder.h"
#include "tests/recorded_llm/server_process.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::ChatMessage;
using dialects::ChatRequest;
using dialects::OutcomeClass;
using dialects::RawReply;
using dialects::Role;
using testing::ElementsAre;
using testing::HasSubstr;

class SilentObserver : public AttemptObserver {
 public:
  Task<Status> BeforeSend(int) override { co_return OkStatus(); }
  Task<Status> AfterReply(int, const RawReply*) override { co_return OkStatus(); }
  Task<Status> AfterDecision(const AttemptCounts*, const AttemptOutcome* outcome, const RetryDecision*) override {
    outcomes_.push_back(outcome->outcome);
    co_return OkStatus();
  }
  std::vector<OutcomeClass> outcomes_;
};

class RecordedLlmBinaryTest : public testing::Test {
 protected:
  RecordedLlmBinaryTest() { folder_.AddUsual(); }

  void Start(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.end(), {"--conversations", folder_.path()});
    server_.emplace(arguments);
    url_ = server_->ReadLine();
    ASSERT_THAT(url_, HasSubstr("http://127.0.0.1:")) << server_->ReadErrors();
    EndpointOptions options;
    options.base_url = url_;
    client_ = OpenClient(options).value();
  }

  static ChatRequest Question(std::vector<ChatMessage> more = {}) {
    ChatRequest request;
    request.model = "m";
    request.messages = {{Role::kSystem, "s"}, {Role::kUser, "task: t GELU"}};
    for (auto& message : more) request.messages.push_back(message);
    return request;
  }

  std::shared_ptr<Gate> Shared(GateOptions options) const {
    return std::make_shared<Gate>(url_, options, &Clock::System(), sleeper_.get());
  }

  // With retries, as the agent asks.
  CallResult Call(ChatRequest request) {
    limits_.idle = std::chrono::seconds(1);  // a stall costs this much; a starved machine must not look like one
    return RunTaskOn(loop_, Ask(std::move(request), &observer_));
  }

  Task<CallResult> Ask(ChatRequest request, SilentObserver* observer) {
    CallPorts ports{client_.get(), gate_.get(), sleeper_.get(), observer, &Clock::System(), [] { return 0.01; }};
    CallOptions options;
    options.limits = limits_;
    dialects::WireRequest wire{&client_->dialect(), client_->dialect().RenderRequest(request).value()};
    std::stop_token never;
    auto result = co_await CallModel(ports, wire, options, never);
    co_return std::move(result.value());
  }

  ConversationFolder folder_;
  std::optional<ServerProcess> server_;
  std::string url_;
  boost::asio::io_context loop_;
  std::unique_ptr<Sleeper> sleeper_ = LoopSleeper();
  std::shared_ptr<Gate> gate_ = Shared(GateOptions{});
  std::unique_ptr<LlmClient> client_;
  AttemptLimits limits_;
  SilentObserver observer_;
};

TEST_F(RecordedLlmBinaryTest, ConversationIsReplayedTurnByTurn) {
  Start({"--chunk-bytes", "3", "--latency-ms", "5"});
  auto first = Call(Question()).outcome;
  EXPECT_EQ(first.outcome, OutcomeClass::kAccepted) << first.detail;
  EXPECT_EQ(first.reply.content, "first gr\xC3\xBC\xC3\x9F\n");
  EXPECT_EQ(first.reply.usage.prompt_tokens, 10);
  auto second = Call(Question({{Role::kAssistant, first.reply.content}, {Role::kUser, "error: line 7"}})).outcome;
  EXPECT_EQ(second.outcome, OutcomeClass::kTruncated) << second.detail;
  EXPECT_EQ(second.reply.content, "second");
}

TEST_F(RecordedLlmBinaryTest, PlainRepliesWorkToo) {
  Start();
  ChatRequest request = Question();
  request.stream = false;
  EXPECT_EQ(Call(request).outcome.outcome, OutcomeClass::kAccepted);
}

TEST_F(RecordedLlmBinaryTest, FeedbackThatDidNotArriveIsRefusedByName) {
  Start();
  auto outcome = Call(Question({{Role::kAssistant, "x"}, {Role::kUser, "all is well"}})).outcome;
  EXPECT_EQ(outcome.outcome, OutcomeClass::kBadRequest);
  EXPECT_THAT(outcome.detail, HasSubstr("422"));
  EXPECT_THAT(outcome.detail, HasSubstr("error: line \\d+"));
}

TEST_F(RecordedLlmBinaryTest, EveryFaultIsRiddenOut) {
  Start({"--fault", "500:at=1", "--fault", "disconnect:at=2", "--fault", "html:at=3", "--fault", "malformed:at=5",
         "--fault", "truncate:at=6", "--fault", "stall:at=8"});
  using enum OutcomeClass;
  EXPECT_EQ(Call(Question()).outcome.outcome, kAccepted);
  EXPECT_THAT(observer_.outcomes_, ElementsAre(kOverloaded, kTransport, kOverloaded, kAccepted));
  observer_.outcomes_.clear();
  EXPECT_EQ(Call(Question()).outcome.outcome, kAccepted);
  EXPECT_THAT(observer_.outcomes_, ElementsAre(kTransport, kTransport, kAccepted));
  observer_.outcomes_.clear();
  EXPECT_EQ(Call(Question()).outcome.outcome, kAccepted);
  EXPECT_THAT(observer_.outcomes_, ElementsAre(kTransport, kAccepted));
}

TEST_F(RecordedLlmBinaryTest, PlainRepliesSufferTheSameFaults) {
  Start({"--fault", "disconnect:at=1", "--fault", "truncate:at=2", "--fault", "malformed:at=4"});
  using enum OutcomeClass;
  ChatRequest request = Question();
  request.stream = false;
  EXPECT_EQ(Call(request).outcome.outcome, kAccepted);
  EXPECT_EQ(Call(request).outcome.outcome, kAccepted);
  EXPECT_THAT(observer_.outcomes_, ElementsAre(kTransport, kTransport, kAccepted, kTransport, kAccepted));
}

TEST_F(RecordedLlmBinaryTest, RateLimitIsWaitedOutAsLongAsItAsks) {
  Start({"--fault", "429:at=1,retry_after=1"});
  SteadyTime start = Clock::System().Now();
  EXPECT_EQ(Call(Question()).outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_GE(Clock::System().Now() - start, std::chrono::seconds(1));
  EXPECT_EQ(gate_->limit(), 4);
}

TEST_F(RecordedLlmBinaryTest, ManyAskAtATime) {
  Start({"--latency-ms", "50", "--chunk-bytes", "1"});
  gate_ = Shared(GateOptions{.start = 64});
  constexpr int kAsking = 50;
  int accepted = 0, ended = 0;
  for (int i = 0; i < kAsking; ++i) {
    boost::asio::co_spawn(loop_, Ask(Question(), &observer_), [&](std::exception_ptr, CallResult result) {
      accepted += result.outcome.outcome == OutcomeClass::kAccepted;
      if (++ended == kAsking) loop_.stop();
    });
  }
  loop_.run();
  EXPECT_EQ(accepted, kAsking);
}

TEST_F(RecordedLlmBinaryTest, PortFileTellsThePort) {
  auto port_file = folder_.path() / "port";
  Start({"--port-file", port_file});
  std::string port = ReadFile(port_file, 100).value();
  EXPECT_EQ("http://127.0.0.1:" + port, url_.substr(0, url_.rfind('/')) + "\n");
}

TEST_F(RecordedLlmBinaryTest, TerminationFinishesTheAnswerUnderWay) {
  Start({"--latency-ms", "1000"});
  boost::asio::steady_timer timer(loop_, Millis(400));
  timer.async_wait([&](auto) { server_->Signal(SIGTERM); });
  EXPECT_EQ(Call(Question()).outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(observer_.outcomes_.size(), 1u);
  EXPECT_EQ(server_->Wait(), 0);
}

TEST_F(RecordedLlmBinaryTest, TerminationDoesNotWaitForIdleConnections) {
  Start();
  Call(Question());
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait(), 0);
}

TEST_F(RecordedLlmBinaryTest, RequestBeyondTheBoundIsRefused) {
  Start();
  ChatRequest request = Question();
  request.messages[1].content += std::string(17u << 20, 'x');
  auto result = Call(request);
  EXPECT_EQ(result.outcome.outcome, OutcomeClass::kContextOverflow) << result.outcome.detail;
  EXPECT_EQ(result.raw.status, 413);
}

TEST_F(RecordedLlmBinaryTest, BadStartsNameEveryMistake) {
  folder_.Write("gelu", "conversation.json", "{}");
  folder_.Write("norm", "conversation.json", "[");
  ServerProcess broken({"--conversations", folder_.path()});
  std::string errors = broken.ReadErrors();
  EXPECT_EQ(broken.Wait(), 2);
  EXPECT_THAT(errors, HasSubstr("gelu/conversation.json: schema"));
  EXPECT_THAT(errors, HasSubstr("norm/conversation.json"));

  ServerProcess fault({"--conversations", folder_.path(), "--fault", "sometimes"});
  EXPECT_THAT(fault.ReadErrors(), HasSubstr("sometimes"));
  EXPECT_EQ(fault.Wait(), 2);

  ServerProcess unknown({"--conversation", "x"});
  EXPECT_EQ(unknown.Wait(), 2);
}

TEST_F(RecordedLlmBinaryTest, TakenPortIsInfrastructure) {
  Start();
  std::string port = url_.substr(17, url_.rfind('/') - 17);
  ServerProcess second({"--conversations", folder_.path(), "--port", port});
  EXPECT_THAT(second.ReadErrors(), HasSubstr("port " + port));
  EXPECT_EQ(second.Wait(), 3);
}

}  // namespace
}  // namespace passnet::agent
