#include "evaluator/api/lane_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/framing.h"
#include "base/unique_fd.h"
#include "evaluator/api/json.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

Deadline InTenSeconds() { return Deadline::After(std::chrono::seconds(10)); }

class LaneProtocolTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_.Reset(ends[0]);
    theirs_.Reset(ends[1]);
  }

  void SayFrames(const std::vector<std::string>& frames) {
    for (const std::string& frame : frames) ASSERT_TRUE(WriteFrame(ours_.get(), frame, InTenSeconds()));
  }
  // What the evaluator makes of frames of a client, and the other way round.
  Error RequestError(const std::vector<std::string>& frames) {
    SayFrames(frames);
    auto request = ReceiveRequest(theirs_.get(), InTenSeconds());
    return request ? Internal("it was taken") : request.error();
  }
  Error ReplyError(const std::string& frame) {
    SayFrames({frame});
    auto reply = ReceiveReply(theirs_.get(), InTenSeconds());
    return reply ? Internal("it was taken") : reply.error();
  }

  UniqueFd ours_, theirs_;
};

EvaluateRequest SomeRequest() {
  EvaluateRequest request;
  request.evaluation_id = "e";
  request.task.path = "tasks/rope";
  request.files = {{"A.py", "x = 1\n"}, {"empty.py", ""}, {"k.cc", std::string("\xff\0 raw \"bytes\"", 14)}};
  return request;
}

TEST_F(LaneProtocolTest, FilesArriveByteForByte) {
  ASSERT_TRUE(SendRequest(ours_.get(), SomeRequest(), InTenSeconds()));
  auto received = ReceiveRequest(theirs_.get(), InTenSeconds());
  ASSERT_TRUE(received) << received.error().context;
  const auto& request = std::get<EvaluateRequest>(received.value());
  EXPECT_EQ(ToJson(request), ToJson(SomeRequest()));
  ASSERT_EQ(request.files.size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ(request.files[i].bytes, SomeRequest().files[i].bytes);
}

TEST_F(LaneProtocolTest, HeaderHoldsNamesAndSizesAlone) {
  ASSERT_TRUE(SendRequest(ours_.get(), SomeRequest(), InTenSeconds()));
  const Json header = ParseJson(ReadFrame(theirs_.get(), InTenSeconds()).value()).value();
  EXPECT_EQ(header["contents"], Json({6, 0, 14}));
  EXPECT_EQ(header["request"]["files"].At(0), Json({{"name", "A.py"}}));
  EXPECT_EQ(ReadFrame(theirs_.get(), InTenSeconds()).value(), "x = 1\n");
}

TEST_F(LaneProtocolTest, OtherMessagesArrive) {
  BaselineRequest baseline;
  baseline.task.path = "t";
  ASSERT_TRUE(SendRequest(ours_.get(), baseline, InTenSeconds()));
  EXPECT_EQ(std::get<BaselineRequest>(ReceiveRequest(theirs_.get(), InTenSeconds()).value()).task.path, "t");
  ASSERT_TRUE(SendRequest(ours_.get(), DescribeTaskRequest{.task = {"t"}}, InTenSeconds()));
  EXPECT_EQ(std::get<DescribeTaskRequest>(ReceiveRequest(theirs_.get(), InTenSeconds()).value()).task.path, "t");
  ASSERT_TRUE(SendCancel(ours_.get(), InTenSeconds()));
  EXPECT_TRUE(std::holds_alternative<CancelRequest>(ReceiveRequest(theirs_.get(), InTenSeconds()).value()));
  ASSERT_TRUE(SendProgress(ours_.get(), {"graph a", 1, 3}, InTenSeconds()));
  EXPECT_EQ(std::get<ProgressNote>(ReceiveReply(theirs_.get(), InTenSeconds()).value()).what, "graph a");
  ASSERT_TRUE(SendReport(ours_.get(), {{"schema", "x"}}, InTenSeconds()));
  EXPECT_EQ(std::get<Json>(ReceiveReply(theirs_.get(), InTenSeconds()).value())["schema"], Json("x"));
  ASSERT_TRUE(SendFailure(ours_.get(), NotFound("no task"), InTenSeconds()));
  const LaneReply failed = ReceiveReply(theirs_.get(), InTenSeconds()).value();
  EXPECT_EQ(std::get<RequestFailed>(failed).code, ErrorCode::kNotFound);
  EXPECT_EQ(std::get<RequestFailed>(failed).message, "no task");
}

TEST_F(LaneProtocolTest, GreetingTellsProtocolAndRefusal) {
  ASSERT_TRUE(SendGreeting(ours_.get(), {"1.0", {{"torch", "2"}}}, InTenSeconds()));
  EXPECT_EQ(ReceiveGreeting(theirs_.get(), InTenSeconds()).value().environment.at("torch"), "2");
  SayFrames({R"({"type": "Hello", "protocol": 1, "environment": {}})"});
  const Error other = ReceiveGreeting(theirs_.get(), InTenSeconds()).error();
  EXPECT_EQ(other.code, ErrorCode::kUnavailable);
  EXPECT_EQ(other.context, "the lane speaks protocol 1, this program speaks 2");
  ASSERT_TRUE(SendRefusal(ours_.get(), {ErrorCode::kPermissionDenied, "no namespaces"}, InTenSeconds()));
  const Error refused = ReceiveGreeting(theirs_.get(), InTenSeconds()).error();
  EXPECT_EQ(refused.code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(refused.context, "the lane cannot start: no namespaces");
  SayFrames({R"({"type": "Hello", "protocol": 2, "environment": {"torch": 2}})"});
  EXPECT_THAT(ReceiveGreeting(theirs_.get(), InTenSeconds()).error().context, HasSubstr("environment: expected a text at torch"));
}

// The request's own mistake: it is told, and the channel goes on.
TEST_F(LaneProtocolTest, RequestThatCannotBeUsedLeavesTheChannelInStep) {
  Error error = RequestError({R"({"type": "Evaluate", "contents": [2], "request": {"task": 5}})", "ab"});
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(error.context, HasSubstr("task: expected a text"));
  EXPECT_EQ(RequestError({R"({"type": "Evaluate"})"}).code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(RequestError({R"({"type": 5})"}).code, ErrorCode::kInvalidArgument);
  ASSERT_TRUE(SendRequest(ours_.get(), SomeRequest(), InTenSeconds()));
  EXPECT_TRUE(ReceiveRequest(theirs_.get(), InTenSeconds()));
}

TEST_F(LaneProtocolTest, SizesThatDifferFromTheAnnouncedOnesAreErrors) {
  const std::string request = R"("request": {"evaluation_id": "e", "task": "t", "files": [{"name": "A.py"}]}})";
  const std::string head = R"({"type": "Evaluate", "contents": )";
  Error shorter = RequestError({head + "[3], " + request, "ab"});
  EXPECT_EQ(shorter.code, ErrorCode::kDataCorrupt);
  EXPECT_EQ(shorter.context, "content 0 of the message has 2 bytes, 3 were announced");
  SetUp();
  EXPECT_EQ(RequestError({head + "[1], " + request, "ab"}).code, ErrorCode::kDataCorrupt);
  SetUp();
  Error fewer = RequestError({head + "[], " + request});
  EXPECT_EQ(fewer.code, ErrorCode::kDataCorrupt);
  EXPECT_EQ(fewer.context, "the client's message names 1 files and brings 0");
  EXPECT_EQ(RequestError({head + "[1, 1], " + request, "a", "b"}).code, ErrorCode::kDataCorrupt);
}

TEST_F(LaneProtocolTest, CountsAndSizesAreBounded) {
  const auto announced = [&](const Json& sizes) {
    SetUp();
    return RequestError({Json{{"type", "Evaluate"}, {"contents", sizes}}.Dump()});
  };
  EXPECT_THAT(announced({kMaxContentBytes, 1}).context, HasSubstr("bytes of contents, the limit is"));
  EXPECT_THAT(announced(std::vector<int>(kMaxContents + 1, 0)).context, HasSubstr("1025 contents, the limit is 1024"));
  EXPECT_THAT(announced(Json(Json::Array{-1})).context, HasSubstr("contents: out of range"));
  EXPECT_THAT(announced(5).context, HasSubstr("contents: expected a list of integers"));
  EvaluateRequest request = SomeRequest();
  request.files.resize(kMaxContents + 1);
  EXPECT_EQ(SendRequest(ours_.get(), request, InTenSeconds()).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(LaneProtocolTest, BytesThatAreNoMessageAreErrors) {
  const std::string deep(1'000'000, '[');
  for (const std::string& frame : {std::string(), std::string("5"), std::string("{\"type\":"), "\xff" + deep, deep,
                                   "{\"type\":\"Report\",\"report\":" + deep}) {
    SCOPED_TRACE(frame.substr(0, 40));
    SetUp();
    std::string sent = frame;
    // The socket holds less than a megabyte: somebody must read while it is written.
    const pid_t writer = ::fork();
    if (writer == 0) {
      (void)WriteFrame(ours_.get(), sent, InTenSeconds());
      ::_exit(0);
    }
    auto reply = ReceiveReply(theirs_.get(), InTenSeconds());
    ::waitpid(writer, nullptr, 0);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, ErrorCode::kDataCorrupt);
    EXPECT_THAT(reply.error().context, testing::StartsWith("message: "));
  }
  EXPECT_THAT(ReplyError(R"({"type": "Progress", "done": "1"})").context, HasSubstr("done: expected an integer"));
  EXPECT_THAT(ReplyError(R"({"type": "Failed", "code": 5})").context, HasSubstr("code: expected a text"));
  EXPECT_THAT(ReplyError(R"({"type": "Dance"})").context, HasSubstr("unknown type \"Dance\""));
}

}  // namespace
}  // namespace passnet::evaluator
