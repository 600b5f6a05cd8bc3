#include "agent/llm/http_client.h"

#include <stop_token>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/agent_llm/plain_dialect.h"
#include "tests/agent_llm/run_task.h"
#include "tests/agent_llm/scripted_stream.h"

namespace passnet::agent {
namespace {

using dialects::ExchangeEnd;
using dialects::OpenAiChat;
using dialects::RawReply;
using std::chrono::seconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string kReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Hands out scripted connections and keeps a borrowed pointer to each; an Error in the list is a failed connect.
class ScriptedConnector : public Connector {
 public:
  Task<Result<std::unique_ptr<ByteStream>>> Connect(Deadline, std::stop_token cancel) override {
    ++*connects_;
    if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled"};
    if (error_) co_return *error_;
    std::unique_ptr<ByteStream> stream = std::move(next_->front());
    next_->pop_front();
    co_return stream;
  }
  ScriptedConnector(std::deque<std::unique_ptr<ScriptedStream>>* next, int* connects, std::optional<Error> error)
      : next_(next), connects_(connects), error_(std::move(error)) {}

 private:
  std::deque<std::unique_ptr<ScriptedStream>>* next_;
  int* connects_;
  std::optional<Error> error_;
};

class HttpClientTest : public testing::Test {
 protected:
  ScriptedStream* Expect(std::deque<Step> steps) {
    streams_.push_back(std::make_unique<ScriptedStream>(&clock_, std::move(steps)));
    return streams_.back().get();
  }
  void Open(EndpointOptions options = {}, std::optional<Error> error = std::nullopt) {
    auto connector = std::make_unique<ScriptedConnector>(&streams_, &connects_, std::move(error));
    auto client = HttpClient::Create(std::move(options), OpenAiChat(), std::move(connector), clock_);
    ASSERT_TRUE(client) << client.error().context;
    client_ = std::move(client.value());
  }
  RawReply Send(std::string body = "{}", std::stop_token cancel = {}) {
    return RunTask(client_->Send({&OpenAiChat(), std::move(body)}, {}, cancel));
  }

  fakes::FakeClock clock_;
  std::deque<std::unique_ptr<ScriptedStream>> streams_;
  int connects_ = 0;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, RequestIsWholeAndExact) {
  EndpointOptions options;
  options.base_url = "http://host:81/v1/";
  options.api_key = Secret("sk-key");
  options.headers = {{"OpenAI-Organization", "org"}};
  ScriptedStream* stream = Expect({Step::Bytes(kReply)});
  Open(options);
  auto reply = Send("{\"a\":1}");
  EXPECT_EQ(reply.end, ExchangeEnd::kComplete);
  EXPECT_EQ(reply.body, "ok");
  EXPECT_EQ(stream->written(),
            "POST /v1/chat/completions HTTP/1.1\r\nHost: host:81\r\nContent-Type: application/json\r\n"
            "Accept: application/json, text/event-stream\r\nUser-Agent: passnetd\r\nOpenAI-Organization: org\r\n"
            "Authorization: Bearer sk-key\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
}

TEST_F(HttpClientTest, RequestGoesToThePathOfItsDialect) {
  const PlainDialect plain;
  ScriptedStream* stream = Expect({Step::Bytes(kReply)});
  EndpointOptions options;
  options.base_url = "http://host/v1";
  Open(options);
  RunTask(client_->Send({&plain, "bytes as journaled"}, {}, {}));
  EXPECT_THAT(stream->written(), StartsWith("POST /v1/plain HTTP/1.1\r\n"));
  EXPECT_THAT(stream->written(), EndsWith("\r\n\r\nbytes as journaled"));
}

TEST_F(HttpClientTest, ConnectionIsKeptAlive) {
  Expect({Step::Bytes(kReply), Step::Bytes(kReply)});
  Open();
  Send();
  auto second = Send();
  EXPECT_EQ(second.body, "ok");
  EXPECT_EQ(second.connect, Nanos(0));
  EXPECT_FALSE(second.asked_on_fresh);
  EXPECT_EQ(connects_, 1);
}

TEST_F(HttpClientTest, ConnectionClosedBetweenRequestsIsReplacedOnce) {
  Expect({Step::Bytes(kReply), Step::End()});
  ScriptedStream* fresh = Expect({Step::Bytes(kReply)});
  Open();
  Send();
  auto second = Send("{\"b\":2}");
  EXPECT_EQ(second.end, ExchangeEnd::kComplete);
  EXPECT_TRUE(second.asked_on_fresh);
  EXPECT_EQ(connects_, 2);
  EXPECT_THAT(fresh->written(), HasSubstr("{\"b\":2}"));
}

TEST_F(HttpClientTest, FreshConnectionThatClosesIsNotReplaced) {
  Expect({Step::Bytes(kReply), Step::End()});
  Expect({Step::End()});
  Open();
  Send();
  auto second = Send();
  EXPECT_EQ(second.end, ExchangeEnd::kCut);
  EXPECT_EQ(connects_, 2);
}

TEST_F(HttpClientTest, KeptConnectionThatAnsweredSomethingIsNotReplaced) {
  Expect({Step::Bytes(kReply), Step::Bytes("HTTP/1.1 200"), Step::End()});
  Open();
  Send();
  auto second = Send();
  EXPECT_EQ(second.end, ExchangeEnd::kCut);
  EXPECT_EQ(connects_, 1);
}

TEST_F(HttpClientTest, ClosedOrOldConnectionIsNotTried) {
  ScriptedStream* closed = Expect({Step::Bytes(kReply)});
  ScriptedStream* old = Expect({Step::Bytes(kReply)});
  Expect({Step::Bytes(kReply)});
  Open();
  Send();
  closed->SetSeemsIdle(false);
  Send();
  EXPECT_EQ(connects_, 2);
  EXPECT_THAT(old->written(), HasSubstr("POST"));
  clock_.Advance(seconds(5));
  auto third = Send();
  EXPECT_EQ(connects_, 3);
  EXPECT_FALSE(third.asked_on_fresh);
}

TEST_F(HttpClientTest, ConnectionThatFailedIsNotKept) {
  Expect({Step::Bytes("nonsense\r\n\r\n")});
  Open();
  Send();
  EXPECT_EQ(client_->idle_connections(), 0u);
}

TEST_F(HttpClientTest, ConnectErrorsHaveTheirEnds) {
  struct Case {
    ErrorCode code;
    ExchangeEnd end;
  };
  for (auto [code, end] : {Case{ErrorCode::kUnavailable, ExchangeEnd::kConnectFailed},
                           Case{ErrorCode::kDeadlineExceeded, ExchangeEnd::kConnectTimeout},
                           Case{ErrorCode::kPermissionDenied, ExchangeEnd::kPeerUntrusted},
                           Case{ErrorCode::kCancelled, ExchangeEnd::kCancelled}}) {
    Open({}, Error{code, "why"});
    auto reply = Send();
    EXPECT_EQ(reply.end, end);
    EXPECT_FALSE(reply.sent);
    EXPECT_EQ(reply.error, "why");
  }
}

// What was read while it came would have kept the key.
TEST_F(HttpClientTest, ReplyThatEchoesTheKeyIsReadFromWhatIsStored) {
  EndpointOptions options;
  options.api_key = Secret("sk-secret-123");
  const std::string body = R"({"choices":[{"finish_reason":"stop","message":{"content":"sk-secret-123"}}]})";
  Expect({Step::Bytes("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body)});
  Open(options);
  auto reply = Send();
  EXPECT_EQ(reply.read, nullptr);
  EXPECT_EQ(OpenAiChat().Interpret(reply).reply.content, "[api key]");
}

TEST_F(HttpClientTest, EchoedKeyIsHidden) {
  EndpointOptions options;
  options.api_key = Secret("sk-secret-123");
  std::string page = "you sent sk-secret-123 and sk-secret-123";
  Expect({Step::Bytes("HTTP/1.1 400 Bad\r\nContent-Length: " + std::to_string(page.size()) + "\r\n\r\n" + page)});
  Open(options);
  EXPECT_EQ(Send().body, "you sent [api key] and [api key]");
}

TEST_F(HttpClientTest, BadOptionsAreRefused) {
  auto refuse = [](EndpointOptions options) {
    auto client = OpenClient(std::move(options));
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument) << client.error().context;
    EXPECT_THAT(client.error().context, Not(HasSubstr("sk-1")));
  };
  EndpointOptions options;
  options.base_url = "localhost:8080";
  refuse(options);
  options = {};
  options.api_key = Secret("sk-1\n");
  refuse(options);
  options = {};
  options.headers = {{"X: y", "z"}};
  refuse(options);
  options.headers = {{"X", "z\r\nHost: evil"}};
  refuse(options);
  options = {};
  options.ca_file = "/nowhere/ca.pem";
  refuse(options);
  options = {};
  options.proxy_url = "https://proxy";
  refuse(options);
}

}  // namespace
}  // namespace passnet::agent
