// The client against real sockets and real TLS; what HTTP does with the bytes is tested without them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <stop_token>

#include "agent/llm/call.h"
#include "agent/llm/client.h"
#include "tests/agent_llm/run_task.h"
#include "tests/agent_llm/script_server.h"

namespace passnet::agent {
namespace {

using dialects::AttemptOutcome;
using dialects::ExchangeEnd;
using dialects::OutcomeClass;
using dialects::RawReply;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kEvents =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\xC3\xA9\"},\"finish_reason\":null}]}\n\n"
    ": ping\n\n"
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"},\"finish_reason\":\"stop\"}],"
    "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
    "data: [DONE]\n\n";

std::string Http(int status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string StreamHead() { return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"; }

std::string Accepted() { return Http(200, R"({"choices":[{"finish_reason":"stop","message":{"content":"ok"}}]})"); }

// Keeps what the retries did, without a disk.
class QuietObserver : public AttemptObserver {
 public:
  Task<Status> BeforeSend(int) override { co_return OkStatus(); }
  Task<Status> AfterReply(int, const RawReply* reply) override {
    statuses_.push_back(reply->status);
    co_return OkStatus();
  }
  Task<Status> AfterDecision(const AttemptCounts*, const AttemptOutcome*, const RetryDecision* decision) override {
    waits_.push_back(decision->wait);
    co_return OkStatus();
  }
  std::vector<int> statuses_;
  std::vector<Nanos> waits_;
};

class LoopbackTest : public testing::Test {
 protected:
  void Open(int port, EndpointOptions options = {}) {
    options.base_url = "http://127.0.0.1:" + std::to_string(port) + "/v1";
    OpenAs(std::move(options));
  }
  void OpenAs(EndpointOptions options) {
    auto client = OpenClient(std::move(options));
    ASSERT_TRUE(client) << client.error().context;
    client_ = std::move(client.value());
  }
  RawReply Send(std::stop_token cancel = {}) {
    return RunTaskOn(loop_, client_->Send({&client_->dialect(), "{}"}, limits_, cancel));
  }

  // The server goes before the loop whose coroutines use it; the client's sockets too.
  boost::asio::io_context loop_;
  ScriptServer server_{loop_};
  std::unique_ptr<LlmClient> client_;
  AttemptLimits limits_;
};

TEST_F(LoopbackTest, StreamInTinyPiecesArrivesWhole) {
  std::vector<ServerStep> steps = {ServerStep::ReadRequest(), ServerStep::Send(StreamHead())};
  for (char byte : kEvents) steps.push_back(ServerStep::Send(std::string(1, byte)));
  server_.OnConnection(steps);
  Open(server_.port());
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kComplete) << reply.error;
  EXPECT_EQ(reply.body, kEvents);
  auto outcome = client_->dialect().Interpret(reply);
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "h\xC3\xA9llo");
  EXPECT_TRUE(outcome.reply.usage.known);
  EXPECT_THAT(server_.requests().at(0), StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
}

TEST_F(LoopbackTest, SlowFirstByteHitsItsLimit) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(StreamHead()), ServerStep::Stall()});
  Open(server_.port());
  limits_.first_byte = Millis(30);
  EXPECT_EQ(Send().end, ExchangeEnd::kFirstByteTimeout);
}

TEST_F(LoopbackTest, StallHitsTheIdleLimit) {
  server_.OnConnection(
      {ServerStep::ReadRequest(), ServerStep::Send(StreamHead() + "data: {}\n\n"), ServerStep::Stall()});
  Open(server_.port());
  limits_.idle = Millis(30);
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kIdleTimeout);
  EXPECT_EQ(reply.body, "data: {}\n\n");
}

TEST_F(LoopbackTest, TotalLimitHoldsBeyondTheOthers) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Stall()});
  Open(server_.port());
  limits_.total = Millis(30);
  EXPECT_EQ(Send().end, ExchangeEnd::kTotalTimeout);
}

TEST_F(LoopbackTest, ResetInTheMiddleIsACut) {
  server_.OnConnection(
      {ServerStep::ReadRequest(), ServerStep::Send(StreamHead() + "data: {}\n\n"), ServerStep::Reset()});
  Open(server_.port());
  EXPECT_EQ(Send().end, ExchangeEnd::kCut);
}

TEST_F(LoopbackTest, CancelEndsAStalledAttemptAndClosesItsConnection) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Stall()});
  Open(server_.port());
  std::stop_source cancel;
  boost::asio::steady_timer timer(loop_, Millis(20));
  timer.async_wait([&](auto) { cancel.request_stop(); });
  RawReply reply = Send(cancel.get_token());
  EXPECT_EQ(reply.end, ExchangeEnd::kCancelled);
  EXPECT_TRUE(reply.sent);
  loop_.restart();
  while (server_.stalls_ended_by_client() == 0 && loop_.run_one_for(std::chrono::seconds(5)) > 0) {
  }
  EXPECT_EQ(server_.stalls_ended_by_client(), 1);
}

TEST_F(LoopbackTest, CancelBeforeConnectingSendsNothing) {
  Open(server_.port());
  std::stop_source cancel;
  cancel.request_stop();
  RawReply reply = Send(cancel.get_token());
  EXPECT_EQ(reply.end, ExchangeEnd::kCancelled);
  EXPECT_FALSE(reply.sent);
}

TEST_F(LoopbackTest, ClosedPortIsAFailedConnect) {
  int port = 0;
  {
    boost::asio::ip::tcp::acceptor held(loop_, {boost::asio::ip::address_v4::loopback(), 0});
    port = held.local_endpoint().port();
  }
  Open(port);
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kConnectFailed);
  EXPECT_FALSE(reply.sent);
  EXPECT_THAT(reply.error, HasSubstr("refused"));
}

TEST_F(LoopbackTest, UnknownNameIsAFailedConnect) {
  EndpointOptions options;
  options.base_url = "http://no-such-host.invalid/v1";
  OpenAs(options);
  RawReply reply = Send();
  EXPECT_TRUE(reply.end == ExchangeEnd::kConnectFailed || reply.end == ExchangeEnd::kConnectTimeout);
  EXPECT_THAT(reply.error, HasSubstr("no-such-host.invalid"));
}

TEST_F(LoopbackTest, ConnectionIsUsedAgain) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted()), ServerStep::ReadRequest(),
                        ServerStep::Send(Accepted()), ServerStep::Stall()});
  Open(server_.port());
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(LoopbackTest, ConnectionClosedByTheServerBetweenRequestsIsReplaced) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted())});
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted()), ServerStep::Stall()});
  Open(server_.port());
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(server_.connections(), 2);
}

// The server takes the second request and closes without a word: only the attempt itself can notice.
TEST_F(LoopbackTest, ConnectionClosedUnderTheRequestIsReplacedOnceAndNotCounted) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted()), ServerStep::ReadRequest()});
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted()), ServerStep::Stall()});
  Open(server_.port());
  EXPECT_FALSE(Send().asked_on_fresh);
  RawReply second = Send();
  EXPECT_EQ(second.end, ExchangeEnd::kComplete) << second.error;
  EXPECT_TRUE(second.asked_on_fresh);
  EXPECT_EQ(server_.requests().size(), 3u);
}

TEST_F(LoopbackTest, RefusalsAreWaitedOutAsEachAsks) {
  server_.OnConnection(
      {ServerStep::ReadRequest(), ServerStep::Send(Http(500, "<html>", "Connection: close\r\nRetry-After-Ms: 5\r\n"))});
  for (const char* wait : {"1", "20", "40"}) {
    server_.OnConnection(
        {ServerStep::ReadRequest(),
         ServerStep::Send(Http(429, "{}", std::string("Connection: close\r\nRetry-After-Ms: ") + wait + "\r\n"))});
  }
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted())});
  Open(server_.port());
  auto sleeper = LoopSleeper();
  auto gate = std::make_shared<Gate>("http://x/v1", GateOptions{}, &Clock::System(), sleeper.get());
  QuietObserver observer;
  CallPorts ports{client_.get(), gate.get(), sleeper.get(), &observer, &Clock::System(), [] { return 0.0; }};
  auto result = RunTaskOn(loop_, CallModel(ports, {&client_->dialect(), "{}"}, {}, {}));
  ASSERT_TRUE(result);
  EXPECT_EQ(result.value().outcome.outcome, OutcomeClass::kAccepted) << result.value().outcome.detail;
  EXPECT_EQ(observer.statuses_, (std::vector<int>{500, 429, 429, 429, 200}));
  observer.waits_.pop_back();
  EXPECT_EQ(observer.waits_, (std::vector<Nanos>{Millis(5), Millis(1), Millis(20), Millis(40)}));
}

class LoopbackTlsTest : public LoopbackTest {
 protected:
  void SetUp() override {
    ca_file_ = std::filesystem::path(testing::TempDir()) / ("passnet-ca-" + std::to_string(getpid()) + ".pem");
    std::ofstream(ca_file_) << certificate_.certificate_pem;
    tls_server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted())});
  }
  void TearDown() override { std::filesystem::remove(ca_file_); }
  EndpointOptions Endpoint(const std::string& host) {
    EndpointOptions options;
    options.base_url = "https://" + host + ":" + std::to_string(tls_server_.port()) + "/v1";
    return options;
  }

  TestCertificate certificate_ = MakeTestCertificate();
  ScriptServer tls_server_{loop_, &certificate_};
  std::filesystem::path ca_file_;
};

TEST_F(LoopbackTlsTest, SelfSignedCertificateIsRefused) {
  OpenAs(Endpoint("localhost"));
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kPeerUntrusted) << reply.error;
  EXPECT_FALSE(reply.sent);
  EXPECT_THAT(reply.error, HasSubstr("CA file"));
  EXPECT_TRUE(tls_server_.requests().empty());
}

TEST_F(LoopbackTlsTest, ItsOwnAuthorityMakesItTrusted) {
  for (const char* host : {"localhost", "127.0.0.1"}) {
    tls_server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted())});
    EndpointOptions options = Endpoint(host);
    options.ca_file = ca_file_;
    OpenAs(options);
    RawReply reply = Send();
    EXPECT_EQ(reply.end, ExchangeEnd::kComplete) << reply.error;
    EXPECT_EQ(reply.status, 200);
  }
}

TEST_F(LoopbackTlsTest, ConnectionIsUsedAgain) {
  ScriptServer server(loop_, &certificate_);
  server.OnConnection({ServerStep::ReadRequest(), ServerStep::Send(Accepted()), ServerStep::ReadRequest(),
                       ServerStep::Send(Accepted()), ServerStep::Stall()});
  EndpointOptions options;
  options.base_url = "https://localhost:" + std::to_string(server.port()) + "/v1";
  options.ca_file = ca_file_;
  OpenAs(options);
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(Send().end, ExchangeEnd::kComplete);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(LoopbackTlsTest, TrustedCertificateOfAnotherNameIsRefused) {
  EndpointOptions options = Endpoint("127.0.0.2");
  options.base_url = "https://localhost.localdomain:" + std::to_string(tls_server_.port()) + "/v1";
  options.ca_file = ca_file_;
  // The proxy takes every name to the same server, so that only the name differs.
  server_.OnConnection(
      {ServerStep::ReadRequest(), ServerStep::Send("HTTP/1.1 200 OK\r\n\r\n"), ServerStep::Tunnel(tls_server_.port())});
  options.proxy_url = "http://127.0.0.1:" + std::to_string(server_.port());
  OpenAs(options);
  EXPECT_EQ(Send().end, ExchangeEnd::kPeerUntrusted);
}

TEST_F(LoopbackTlsTest, ProxyOpensATunnel) {
  server_.OnConnection({ServerStep::ReadRequest(), ServerStep::Send("HTTP/1.1 200 Connection established\r\n\r\n"),
                        ServerStep::Tunnel(tls_server_.port())});
  EndpointOptions options = Endpoint("localhost");
  options.ca_file = ca_file_;
  options.proxy_url = "http://me:pw@127.0.0.1:" + std::to_string(server_.port());
  OpenAs(options);
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kComplete) << reply.error;
  std::string target = "localhost:" + std::to_string(tls_server_.port());
  EXPECT_EQ(server_.requests().at(0),
            "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\nProxy-Authorization: Basic bWU6cHc=\r\n\r\n");
  EXPECT_EQ(tls_server_.requests().size(), 1u);
}

TEST_F(LoopbackTlsTest, ProxyThatRefusesIsAFailedConnect) {
  server_.OnConnection(
      {ServerStep::ReadRequest(), ServerStep::Send("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")});
  EndpointOptions options = Endpoint("localhost");
  options.proxy_url = "http://127.0.0.1:" + std::to_string(server_.port());
  OpenAs(options);
  RawReply reply = Send();
  EXPECT_EQ(reply.end, ExchangeEnd::kConnectFailed);
  EXPECT_THAT(reply.error, HasSubstr("407"));
}

TEST_F(LoopbackTlsTest, ServerThatNeverShakesHandsHitsTheConnectLimit) {
  server_.OnConnection({ServerStep::Stall()});
  EndpointOptions options;
  options.base_url = "https://127.0.0.1:" + std::to_string(server_.port()) + "/v1";
  OpenAs(options);
  limits_.connect = Millis(50);
  EXPECT_EQ(Send().end, ExchangeEnd::kConnectTimeout);
}

}  // namespace
}  // namespace passnet::agent
