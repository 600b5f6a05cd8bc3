#include "agent/llm/transport/http_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent_llm/run_task.h"
#include "tests/agent_llm/scripted_stream.h"

namespace passnet::agent {
namespace {

using dialects::ExchangeEnd;
using dialects::OpenAiChat;
using std::chrono::seconds;
using testing::HasSubstr;

const std::string kPlain = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello";
const std::string kStreamHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string Chunk(const std::string& bytes) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  return size + bytes + "\r\n";
}

class HttpExchangeTest : public testing::Test {
 protected:
  ExchangeResult Run(std::deque<Step> steps) {
    ScriptedStream stream(&clock_, std::move(steps));
    return RunOn(&stream);
  }
  ExchangeResult RunOn(ScriptedStream* stream) {
    ExchangePorts ports{stream, &OpenAiChat(), &clock_};
    return RunTask(Exchange(ports, "POST", limits_, Deadline::After(limits_.total, clock_), {}));
  }

  fakes::FakeClock clock_;
  AttemptLimits limits_;
};

TEST_F(HttpExchangeTest, WholeReplyLeavesTheConnectionReusable) {
  auto result = Run({Step::Bytes(kPlain, Millis(20))});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kComplete);
  EXPECT_EQ(result.reply.status, 200);
  EXPECT_EQ(result.reply.body, "hello");
  EXPECT_EQ(result.reply.headers.at("content-type"), "application/json");
  EXPECT_EQ(result.reply.first_byte, Millis(20));
  EXPECT_TRUE(result.reply.sent);
  EXPECT_TRUE(result.reusable);
}

TEST_F(HttpExchangeTest, SplitAtAnyByteGivesTheSameReply) {
  std::string stream =
      kStreamHead + Chunk("data: {\"a\":\"\xC3\xA9\"}\r\n\r\n") + Chunk("data: [DONE]\n\n") + "0\r\n\r\n";
  for (const std::string& whole : {kPlain, stream}) {
    auto expected = Run({Step::Bytes(whole)});
    ASSERT_EQ(expected.reply.end, ExchangeEnd::kComplete);
    for (size_t at = 1; at < whole.size(); ++at) {
      auto result = Run({Step::Bytes(whole.substr(0, at)), Step::Bytes(whole.substr(at))});
      ASSERT_EQ(result.reply.end, ExchangeEnd::kComplete) << at;
      ASSERT_EQ(result.reply.body, expected.reply.body) << at;
      ASSERT_TRUE(result.reusable) << at;
    }
    std::deque<Step> bytes;
    for (char byte : whole) bytes.push_back(Step::Bytes(std::string(1, byte)));
    EXPECT_EQ(Run(bytes).reply.body, expected.reply.body);
  }
}

TEST_F(HttpExchangeTest, CutAtAnyByteIsNeverComplete) {
  std::string whole = kStreamHead + Chunk("data: {}\n\n") + "0\r\n\r\n";
  for (const std::string& reply : {kPlain, whole}) {
    for (size_t at = 0; at < reply.size(); ++at) {
      auto ended = Run({Step::Bytes(reply.substr(0, at)), Step::End()});
      if (at == 0) ended = Run({Step::End()});
      ASSERT_EQ(ended.reply.end, ExchangeEnd::kCut) << at;
      ASSERT_EQ(ended.untouched, at == 0) << at;
      ASSERT_FALSE(ended.reusable);
    }
  }
}

TEST_F(HttpExchangeTest, AnAnswerIsReadWhileItComes) {
  const std::string event = R"(data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}]})";
  auto result = Run({Step::Bytes(kStreamHead + Chunk(event)), Step::Bytes(Chunk("\n\ndata: [DONE]\n\n") + "0\r\n\r\n")});
  ASSERT_TRUE(result.reply.read);
  EXPECT_EQ(result.reply.read->outcome, dialects::OutcomeClass::kAccepted);
  EXPECT_EQ(result.reply.read->reply.content, "hi");
  auto refused = Run({Step::Bytes("HTTP/1.1 429 Slow\r\nx-request-id: r\r\nContent-Length: 2\r\n\r\n{}")});
  ASSERT_TRUE(refused.reply.read);
  EXPECT_EQ(refused.reply.read->outcome, dialects::OutcomeClass::kRateLimited);
  EXPECT_EQ(refused.reply.read->reply.request_id, "r");
}

TEST_F(HttpExchangeTest, ResetKeepsWhatCame) {
  auto result = Run({Step::Bytes(kStreamHead + Chunk("data: 1\n\n")), Step::Reset()});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kCut);
  EXPECT_EQ(result.reply.body, "data: 1\n\n");
  EXPECT_THAT(result.reply.error, HasSubstr("reset"));
}

TEST_F(HttpExchangeTest, NothingAtAllHitsTheFirstByteLimit) {
  SteadyTime start = clock_.Now();
  auto result = Run({});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kFirstByteTimeout);
  EXPECT_EQ(clock_.Now() - start, limits_.first_byte);
}

// vLLM sends its header at once and the first token after the prefill.
TEST_F(HttpExchangeTest, HeaderAloneIsNoFirstByte) {
  SteadyTime start = clock_.Now();
  auto result =
      Run({Step::Bytes(kStreamHead, seconds(1)), Step::Bytes(Chunk("data: 1\n\n"), seconds(200)), Step::End()});
  EXPECT_EQ(result.reply.first_byte, seconds(201));
  EXPECT_EQ(result.reply.end, ExchangeEnd::kCut);
  start = clock_.Now();
  auto silent = Run({Step::Bytes(kStreamHead, seconds(1))});
  EXPECT_EQ(silent.reply.end, ExchangeEnd::kFirstByteTimeout);
  EXPECT_EQ(clock_.Now() - start, limits_.first_byte);
}

TEST_F(HttpExchangeTest, StalledBodyHitsTheIdleLimit) {
  SteadyTime start = clock_.Now();
  auto result =
      Run({Step::Bytes(kStreamHead + Chunk("data: 1\n\n"), seconds(2)), Step::Bytes(Chunk(": ping\n\n"), seconds(50))});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kIdleTimeout);
  EXPECT_EQ(clock_.Now() - start, seconds(52) + limits_.idle);
  EXPECT_EQ(result.reply.body, "data: 1\n\n: ping\n\n");
}

TEST_F(HttpExchangeTest, DrippingBodyHitsTheTotalLimit) {
  std::deque<Step> drips = {Step::Bytes(kStreamHead)};
  for (int i = 0; i < 100; ++i) drips.push_back(Step::Bytes(Chunk(":\n"), seconds(30)));
  SteadyTime start = clock_.Now();
  auto result = Run(drips);
  EXPECT_EQ(result.reply.end, ExchangeEnd::kTotalTimeout);
  EXPECT_EQ(clock_.Now() - start, limits_.total);
}

TEST_F(HttpExchangeTest, LastEventEndsAStreamThatStaysOpen) {
  SteadyTime start = clock_.Now();
  auto result = Run({Step::Bytes(kStreamHead + Chunk("data: [DO")), Step::Bytes(Chunk("NE]\r\n\r\n"))});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kComplete);
  EXPECT_EQ(result.reply.body, "data: [DONE]\r\n\r\n");
  EXPECT_LT(clock_.Now() - start, seconds(1));
  EXPECT_FALSE(result.reusable);
  auto reset = Run({Step::Bytes(kStreamHead + Chunk("data: [DONE]\n\n")), Step::Reset()});
  EXPECT_EQ(reset.reply.end, ExchangeEnd::kComplete);
  EXPECT_FALSE(reset.reusable);
}

TEST_F(HttpExchangeTest, DoneInsidePlainJsonMeansNothing) {
  std::string head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n";
  EXPECT_EQ(Run({Step::Bytes(head + "data: [DONE]\n\n"), Step::End()}).reply.end, ExchangeEnd::kCut);
}

TEST_F(HttpExchangeTest, CancelEndsItAnywhere) {
  EXPECT_EQ(Run({Step::Cancel(seconds(1))}).reply.end, ExchangeEnd::kCancelled);
  EXPECT_EQ(Run({Step::Bytes("HTTP/1."), Step::Cancel(seconds(1))}).reply.end, ExchangeEnd::kCancelled);
  auto late = Run({Step::Bytes(kStreamHead + Chunk("data: [DONE]\n\n")), Step::Cancel(Millis(1))});
  EXPECT_EQ(late.reply.end, ExchangeEnd::kCancelled);
}

TEST_F(HttpExchangeTest, BodyBeyondTheBoundIsCutOff) {
  limits_.max_body_bytes = 100;
  auto announced = Run({Step::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n")});
  EXPECT_EQ(announced.reply.end, ExchangeEnd::kTooLarge);
  EXPECT_EQ(announced.reply.status, 200);
  std::deque<Step> flood = {Step::Bytes(kStreamHead)};
  for (int i = 0; i < 50; ++i) flood.push_back(Step::Bytes(Chunk("data: 12345\n\n")));
  auto chunked = Run(flood);
  EXPECT_EQ(chunked.reply.end, ExchangeEnd::kTooLarge);
  EXPECT_LE(chunked.reply.body.size(), 100u);
  EXPECT_GT(chunked.reply.body.size(), 80u);
  EXPECT_THAT(chunked.reply.error, HasSubstr("larger than 100 bytes"));
}

TEST_F(HttpExchangeTest, HeaderFloodIsCutOff) {
  std::deque<Step> flood = {Step::Bytes("HTTP/1.1 200 OK\r\n")};
  for (int i = 0; i < 100'000; ++i) flood.push_back(Step::Bytes("x-flood: " + std::string(100, 'x') + "\r\n"));
  auto result = Run(flood);
  EXPECT_EQ(result.reply.end, ExchangeEnd::kTooLarge);
  EXPECT_THAT(result.reply.error, HasSubstr("header"));
}

TEST_F(HttpExchangeTest, WhatIsNotHttpIsAProtocolError) {
  for (const char* bytes : {"SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1 200 OK\r\nbroken header\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    auto result = Run({Step::Bytes(bytes), Step::End()});
    EXPECT_EQ(result.reply.end, ExchangeEnd::kProtocolError) << bytes;
    EXPECT_FALSE(result.reusable);
  }
}

TEST_F(HttpExchangeTest, InterimRepliesAreSkippedAndBounded) {
  std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  auto result = Run({Step::Bytes(interim + kPlain)});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kComplete);
  EXPECT_EQ(result.reply.body, "hello");
  EXPECT_EQ(Run({Step::Bytes(interim), Step::End()}).reply.end, ExchangeEnd::kCut);
  std::string flood;
  for (int i = 0; i < 100; ++i) flood += interim;
  EXPECT_EQ(Run({Step::Bytes(flood)}).reply.end, ExchangeEnd::kProtocolError);
}

TEST_F(HttpExchangeTest, BodyUntilTheEndOfTheConnectionIsWholeAtItsOrderlyEnd) {
  std::string reply = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}";
  auto result = Run({Step::Bytes(reply), Step::End()});
  EXPECT_EQ(result.reply.end, ExchangeEnd::kComplete);
  EXPECT_EQ(result.reply.body, "{}");
  EXPECT_FALSE(result.reusable);
  EXPECT_EQ(Run({Step::Bytes(reply), Step::Reset()}).reply.end, ExchangeEnd::kCut);
}

TEST_F(HttpExchangeTest, ServerMayAnswerBeforeItHasReadTheRequest) {
  ScriptedStream stream(&clock_, {Step::Bytes("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")});
  stream.BreakWriting();
  auto result = RunOn(&stream);
  EXPECT_EQ(result.reply.status, 413);
  EXPECT_EQ(result.reply.end, ExchangeEnd::kComplete);
  EXPECT_FALSE(result.reusable);
}

TEST_F(HttpExchangeTest, ConnectionIsNotReusedAgainstTheServersWord) {
  auto close = Run({Step::Bytes("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")});
  EXPECT_EQ(close.reply.end, ExchangeEnd::kComplete);
  EXPECT_FALSE(close.reusable);
  EXPECT_FALSE(Run({Step::Bytes(kPlain + "HTTP/1.1 200 OK\r\n")}).reusable) << "bytes nobody asked for";
}

TEST_F(HttpExchangeTest, OnlyNamedHeadersAreKept) {
  auto result =
      Run({Step::Bytes("HTTP/1.1 429 Slow\r\nSet-Cookie: secret\r\nRetry-After: 3\r\nretry-after: 9\r\n"
                       "X-RateLimit-Remaining-Requests: 0\r\nX-Request-ID: r\r\nContent-Length: 0\r\n\r\n")});
  EXPECT_EQ(result.reply.headers,
            (std::map<std::string, std::string>{
                {"retry-after", "3"}, {"x-ratelimit-remaining-requests", "0"}, {"x-request-id", "r"}}));
}

}  // namespace
}  // namespace passnet::agent
