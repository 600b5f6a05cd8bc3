#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "dialects/dialect.h"
#include "tests/dialects/replies.h"

namespace passnet::dialects {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

ChatRequest SmallMessagesRequest() {
  ChatRequest request;
  request.model = "m";
  request.messages = {{Role::kSystem, "s"}, {Role::kUser, "u"}, {Role::kAssistant, "a"}, {Role::kUser, "v"}};
  request.max_tokens = 7;
  return request;
}

AttemptOutcome Read(const RawReply& reply) { return AnthropicMessages().Interpret(reply); }

// A stream as the server writes it: events have names.
RawReply EventStream(const std::vector<std::string>& events) {
  RawReply reply = Answer(200, "");
  reply.headers["content-type"] = "text/event-stream";
  for (const auto& event : events) {
    reply.body += "event: " + ParseJson(event).value()["type"].Text() + "\ndata: " + event + "\n\n";
  }
  return reply;
}

const std::string kStart =
    R"({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"stop_reason":null,)"
    R"("usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":4,"output_tokens":1}}})";
const std::string kPing = R"({"type":"ping"})";
const std::string kStop = R"({"type":"message_stop"})";

std::string Begin(int index, const std::string& block) {
  return R"({"type":"content_block_start","index":)" + std::to_string(index) + R"(,"content_block":)" + block + "}";
}
std::string DeltaOf(int index, const std::string& delta) {
  return R"({"type":"content_block_delta","index":)" + std::to_string(index) + R"(,"delta":)" + delta + "}";
}
std::string TextDelta(const std::string& text, int index = 0) {
  return DeltaOf(index, R"({"type":"text_delta","text":")" + text + R"("})");
}
std::string MessageDelta(const std::string& stop_reason) {
  return R"({"type":"message_delta","delta":{"stop_reason":)" + stop_reason + R"(},"usage":{"output_tokens":21}})";
}
RawReply Whole(const std::string& content, const std::string& stop_reason) {
  return Answer(200, R"({"id":"msg_1","type":"message","role":"assistant","model":"m","content":)" + content +
                         R"(,"stop_reason":)" + stop_reason + R"(,"usage":{"input_tokens":5,"output_tokens":6}})");
}

TEST(AnthropicRenderTest, SystemIsAFieldOfItsOwn) {
  ChatRequest request = SmallMessagesRequest();
  request.temperature = 0.5;
  request.extra_json = R"({"thinking":{"type":"enabled","budget_tokens":1024}})";
  EXPECT_EQ(AnthropicMessages().RenderRequest(request).value(),
            R"({"model":"m","max_tokens":7,"system":"s","messages":[{"role":"user","content":"u"},)"
            R"({"role":"assistant","content":"a"},{"role":"user","content":"v"}],"temperature":0.5,"stream":true,)"
            R"("thinking":{"budget_tokens":1024,"type":"enabled"}})");
}

// The server answers 400 to an empty text: a refused round would have ended the trajectory.
TEST(AnthropicRenderTest, EmptyAnswersAreLeftOut) {
  ChatRequest request = SmallMessagesRequest();
  request.messages[2].content = " \n";
  EXPECT_THAT(AnthropicMessages().RenderRequest(request).value(),
              HasSubstr(R"("messages":[{"role":"user","content":"u"},{"role":"user","content":"v"}])"));
}

TEST(AnthropicRenderTest, SeedAndRepeatedKeysAreRefused) {
  ChatRequest request = SmallMessagesRequest();
  request.seed = 1;
  EXPECT_THAT(AnthropicMessages().RenderRequest(request).error().context, HasSubstr("sampling.seed"));
  request.seed.reset();
  request.extra_json = R"({"system":"mine"})";
  EXPECT_EQ(AnthropicMessages().RenderRequest(request).error().code, ErrorCode::kInvalidArgument);
}

TEST(AnthropicRenderTest, KeyAndVersionAreHeaders) {
  EXPECT_THAT(AnthropicMessages().HeadersWith("sk"),
              ElementsAre(Pair("anthropic-version", "2023-06-01"), Pair("x-api-key", "sk")));
  EXPECT_THAT(AnthropicMessages().HeadersWith(""), ElementsAre(Pair("anthropic-version", "2023-06-01")));
}

TEST(AnthropicRenderTest, BaseUrlMayNameTheVersion) {
  EXPECT_EQ(AnthropicMessages().TargetAt(""), "/v1/messages");
  EXPECT_EQ(AnthropicMessages().TargetAt("/v1"), "/v1/messages");
  EXPECT_EQ(AnthropicMessages().TargetAt("/proxy/anthropic"), "/proxy/anthropic/v1/messages");
}

TEST(AnthropicRequestTest, RenderedRequestIsReadBack) {
  auto messages = AnthropicMessages().ReadMessages(AnthropicMessages().RenderRequest(SmallMessagesRequest()).value());
  ASSERT_TRUE(messages) << messages.error().context;
  ASSERT_EQ(messages.value().size(), 4u);
  EXPECT_EQ(messages.value()[0], (StoredMessage{"system", "s", "", {}, ""}));
  EXPECT_EQ(messages.value()[3], (StoredMessage{"user", "v", "", {}, ""}));
}

TEST(AnthropicRequestTest, BlocksAreRead) {
  auto messages = AnthropicMessages().ReadMessages(
      R"({"system":[{"type":"text","text":"s"}],"messages":[{"role":"assistant","content":[)"
      R"({"type":"thinking","thinking":"t","signature":"x"},{"type":"tool_use","id":"i","name":"f","input":{"a":1}}]},)"
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":"r"}]}]})");
  ASSERT_TRUE(messages) << messages.error().context;
  const StoredMessage call{"assistant", std::nullopt, "", {{"i", "f", R"({"a":1})"}}, ""};
  const StoredMessage result{"tool", "r", "", {}, "i"};
  EXPECT_THAT(messages.value(), ElementsAre(StoredMessage{"system", "s", "", {}, ""}, call, result));
  for (const std::string& body : {std::string("{}"), std::string(R"({"messages":[{"content":"x"}]})"),
                                  std::string(R"({"messages":[{"role":"user","content":[{"type":"image"}]}]})"), Nested()}) {
    EXPECT_EQ(AnthropicMessages().ReadMessages(body).error().code, ErrorCode::kDataCorrupt);
  }
}

TEST(AnthropicMessageTest, WholeMessageIsRead) {
  auto outcome = Read(Whole(R"([{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"x"},)"
                            R"({"type":"text","text":"a"},{"type":"text","text":"b"}])", "\"end_turn\""));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "ab");
  EXPECT_EQ(outcome.reply.reasoning, "hm");
  EXPECT_EQ(outcome.reply.usage.prompt_tokens, 5);
  EXPECT_EQ(outcome.reply.usage.completion_tokens, 6);
  EXPECT_EQ(MessageOf(outcome.reply).content, "ab") << "reasoning is not fed back";
}

TEST(AnthropicMessageTest, StopReasonDecidesTheClass) {
  const auto with = [](const std::string& reason) { return Read(Whole(R"([{"type":"text","text":"x"}])", reason)).outcome; };
  for (const char* reason : {"end_turn", "stop_sequence", "tool_use"}) {
    EXPECT_EQ(with("\"" + std::string(reason) + "\""), OutcomeClass::kAccepted) << reason;
  }
  for (const char* reason : {"max_tokens", "model_context_window_exceeded", "pause_turn"}) {
    EXPECT_EQ(with("\"" + std::string(reason) + "\""), OutcomeClass::kTruncated) << reason;
  }
  EXPECT_EQ(with("\"refusal\""), OutcomeClass::kRefused);
  EXPECT_EQ(with("null"), OutcomeClass::kTransport);
  EXPECT_EQ(Read(Whole("[]", "\"end_turn\"")).outcome, OutcomeClass::kMalformed);
  EXPECT_EQ(Read(Whole("null", "\"end_turn\"")).outcome, OutcomeClass::kTransport);
}

TEST(AnthropicStreamTest, EventsBecomeOneReply) {
  auto outcome = Read(EventStream({kStart, Begin(0, R"({"type":"thinking","thinking":""})"), kPing,
                                   DeltaOf(0, R"({"type":"thinking_delta","thinking":"h"})"),
                                   DeltaOf(0, R"({"type":"thinking_delta","thinking":"m"})"),
                                   DeltaOf(0, R"({"type":"signature_delta","signature":"s"})"),
                                   R"({"type":"content_block_stop","index":0})", Begin(1, R"({"type":"text","text":""})"),
                                   TextDelta("he", 1), TextDelta("ll", 1), TextDelta("o\\n", 1),
                                   R"({"type":"content_block_stop","index":1})", R"({"type":"of_a_later_version"})",
                                   MessageDelta("\"end_turn\""), kStop}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "hello\n");
  EXPECT_EQ(outcome.reply.reasoning, "hm");
  EXPECT_EQ(outcome.reply.finish_reason, "end_turn");
  EXPECT_EQ(outcome.reply.usage.prompt_tokens, 17) << "with what the cache gave and took";
  EXPECT_EQ(outcome.reply.usage.completion_tokens, 21) << "cumulative: the last one counts";
}

TEST(AnthropicStreamTest, ToolInputComesInFragments) {
  auto outcome = Read(EventStream({kStart, Begin(0, R"({"type":"tool_use","id":"t","name":"f","input":{}})"),
                                   DeltaOf(0, R"({"type":"input_json_delta","partial_json":"{\"a\":"})"),
                                   DeltaOf(0, R"({"type":"input_json_delta","partial_json":"1}"})"),
                                   MessageDelta("\"tool_use\""), kStop}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  ASSERT_EQ(outcome.reply.tool_calls.size(), 1u);
  EXPECT_EQ(outcome.reply.tool_calls[0], (ToolCall{"t", "f", R"({"a":1})"}));
}

TEST(AnthropicStreamTest, AnErrorAfterA200HasItsClass) {
  const auto with = [](const std::string& type) {
    return Read(EventStream({kStart, TextDelta("a"), R"({"type":"error","error":{"type":")" + type + R"(","message":"x"}})"}));
  };
  EXPECT_EQ(with("overloaded_error").outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(with("overloaded_error").reply.content, "a");
  EXPECT_EQ(with("rate_limit_error").outcome, OutcomeClass::kRateLimited);
  EXPECT_EQ(with("api_error").outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(with("authentication_error").outcome, OutcomeClass::kAuth);
}

TEST(AnthropicStreamTest, WhatIsNotWholeIsLost) {
  const std::vector<std::string> whole = {kStart, Begin(0, R"({"type":"text","text":""})"), TextDelta("half"),
                                          MessageDelta("\"end_turn\""), kStop};
  EXPECT_EQ(Read(EventStream(whole)).outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(Read(EventStream({whole.begin(), whole.begin() + 3})).outcome, OutcomeClass::kTransport);
  RawReply cut = EventStream({whole.begin(), whole.begin() + 3});
  cut.end = ExchangeEnd::kCut;
  cut.error = "reset";
  EXPECT_EQ(Read(cut).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Read(cut).reply.content, "half");
  RawReply broken = EventStream(whole);
  broken.body.insert(broken.body.find("data: {\"type\":\"content_block_delta") + 7, "}");
  EXPECT_EQ(Read(broken).outcome, OutcomeClass::kTransport);
}

// A stream begins with usage: the input, and one token of output. Where it broke off there, a reply of thousands of tokens
// stood in the journal as one that had cost one, told by the provider.
TEST(AnthropicStreamTest, UsageOfABeginningIsNoneOfTheReply) {
  const std::vector<std::string> whole = {kStart, Begin(0, R"({"type":"text","text":""})"), TextDelta("half"),
                                          MessageDelta("\"end_turn\""), kStop};
  RawReply cut = EventStream({whole.begin(), whole.begin() + 3});
  cut.end = ExchangeEnd::kCut;
  EXPECT_FALSE(Read(cut).reply.usage.known);
  RawReply broken = EventStream(whole);
  broken.body.insert(broken.body.find("data: {\"type\":\"content_block_delta") + 7, "}");
  EXPECT_FALSE(Read(broken).reply.usage.known);
  EXPECT_EQ(Read(EventStream(whole)).reply.usage.completion_tokens, 21);
  RawReply cut_at_end = EventStream({whole.begin(), whole.begin() + 4});
  cut_at_end.end = ExchangeEnd::kCut;
  EXPECT_EQ(Read(cut_at_end).reply.usage.completion_tokens, 21) << "it had told what it came to";
}

TEST(AnthropicErrorTest, StatusAndTypeDecide) {
  const auto of = [](int status, const std::string& error) {
    return Read(Answer(status, R"({"type":"error","error":)" + error + R"(,"request_id":"req_1"})")).outcome;
  };
  EXPECT_EQ(of(529, R"({"type":"overloaded_error","message":"Overloaded"})"), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(429, R"({"type":"rate_limit_error","message":"slow down"})"), OutcomeClass::kRateLimited);
  EXPECT_EQ(of(429, R"({"type":"rate_limit_error","message":"x","details":{"error_code":"enforced_spend_limit_reached"}})"),
            OutcomeClass::kQuota);
  EXPECT_EQ(of(402, R"({"type":"billing_error","message":"x"})"), OutcomeClass::kQuota);
  EXPECT_EQ(of(400, R"({"type":"invalid_request_error","message":"Your credit balance is too low to access the API"})"),
            OutcomeClass::kQuota);
  EXPECT_EQ(of(400, R"({"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"})"),
            OutcomeClass::kContextOverflow);
  EXPECT_EQ(of(413, R"({"type":"request_too_large","message":"x"})"), OutcomeClass::kContextOverflow);
  EXPECT_EQ(of(400, R"({"type":"invalid_request_error","message":"x"})"), OutcomeClass::kBadRequest);
  EXPECT_EQ(of(401, R"({"type":"authentication_error","message":"x"})"), OutcomeClass::kAuth);
  EXPECT_EQ(of(403, R"({"type":"permission_error","message":"x"})"), OutcomeClass::kAuth);
  EXPECT_EQ(of(404, R"({"type":"not_found_error","message":"x"})"), OutcomeClass::kBadRequest);
  EXPECT_EQ(of(500, R"({"type":"api_error","message":"x"})"), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(504, R"({"type":"timeout_error","message":"x"})"), OutcomeClass::kOverloaded);
  RawReply reply = Answer(529, "{}");
  reply.headers["request-id"] = "req_2";
  EXPECT_EQ(Read(reply).reply.request_id, "req_2");
}

TEST(AnthropicHostileTest, NothingIsBelievedWithoutBounds) {
  EXPECT_EQ(Read(Answer(200, Nested())).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Read(Whole(Nested(), "\"end_turn\"")).outcome, OutcomeClass::kTransport);
  RawReply odd = Whole(R"([{"type":"text","text":"x"}])", "\"end_turn\"");
  odd.body.replace(odd.body.find("\"input_tokens\":5"), 16, "\"input_tokens\":-5");
  EXPECT_FALSE(Read(odd).reply.usage.known);
  std::string blocks;
  for (int i = 0; i < 3000; ++i) blocks += (i == 0 ? "" : ",") + (R"({"type":"tool_use","id":")" + std::to_string(i) + R"(","name":"f","input":{}})");
  EXPECT_EQ(Read(Whole("[" + blocks + "]", "\"tool_use\"")).outcome, OutcomeClass::kMalformed);
}

}  // namespace
}  // namespace passnet::dialects
