#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialects/dialect.h"
#include "tests/dialects/replies.h"

namespace passnet::dialects {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ChatRequest SmallResponsesRequest() {
  ChatRequest request;
  request.model = "m";
  request.messages = {{Role::kSystem, "s"}, {Role::kUser, "u"}, {Role::kAssistant, ""}};
  request.max_tokens = 7;
  return request;
}

AttemptOutcome Responded(const RawReply& reply) { return OpenAiResponses().Interpret(reply); }

std::string ResponseObject(const std::string& status, const std::string& output, const std::string& more = "") {
  return R"({"id":"resp_1","object":"response","status":")" + status + R"(","error":null,"output":)" + output +
         R"(,"usage":{"input_tokens":9,"output_tokens":8,"total_tokens":17})" + more + "}";
}
const std::string kText =
    R"([{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}]},)"
    R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[]},)"
    R"({"type":"output_text","text":"b","annotations":[]}]}])";

std::string TextDeltaEvent(const std::string& text, int number) {
  return R"({"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":")" + text +
         R"(","sequence_number":)" + std::to_string(number) + R"(,"logprobs":[],"obfuscation":")" + std::string(size_t(number), 'x') + "\"}";
}
std::string EndEvent(const std::string& type, const std::string& response) {
  return R"({"type":"response.)" + type + R"(","sequence_number":99,"response":)" + response + "}";
}

TEST(ResponsesRenderTest, KeysHaveOneOrder) {
  ChatRequest request = SmallResponsesRequest();
  request.extra_json = R"({"reasoning":{"effort":"high"}})";
  EXPECT_EQ(OpenAiResponses().RenderRequest(request).value(),
            R"({"model":"m","input":[{"role":"system","content":"s"},{"role":"user","content":"u"},)"
            R"({"role":"assistant","content":""}],"max_output_tokens":7,"store":false,"stream":true,)"
            R"("reasoning":{"effort":"high"}})");
  request.seed = 1;
  EXPECT_THAT(OpenAiResponses().RenderRequest(request).error().context, HasSubstr("sampling.seed"));
}

TEST(ResponsesRenderTest, GoesToResponsesWithABearer) {
  EXPECT_EQ(OpenAiResponses().TargetAt("/v1"), "/v1/responses");
  EXPECT_THAT(OpenAiResponses().HeadersWith("sk"), ElementsAre(testing::Pair("Authorization", "Bearer sk")));
}

TEST(ResponsesRequestTest, RequestsAreReadBack) {
  auto messages = OpenAiResponses().ReadMessages(OpenAiResponses().RenderRequest(SmallResponsesRequest()).value());
  ASSERT_TRUE(messages) << messages.error().context;
  EXPECT_THAT(messages.value(), ElementsAre(StoredMessage{"system", "s", "", {}, ""}, StoredMessage{"user", "u", "", {}, ""},
                                            StoredMessage{"assistant", "", "", {}, ""}));
  auto foreign = OpenAiResponses().ReadMessages(
      R"({"instructions":"s","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"u"}]},)"
      R"({"type":"reasoning","id":"r"},{"type":"function_call","call_id":"i","name":"f","arguments":"{}"},)"
      R"({"type":"function_call_output","call_id":"i","output":"r"}]})");
  ASSERT_TRUE(foreign) << foreign.error().context;
  EXPECT_THAT(foreign.value(),
              ElementsAre(StoredMessage{"system", "s", "", {}, ""}, StoredMessage{"user", "u", "", {}, ""},
                          StoredMessage{"assistant", std::nullopt, "", {{"i", "f", "{}"}}, ""},
                          StoredMessage{"tool", "r", "", {}, "i"}));
  for (const std::string& body : {std::string("{}"), std::string(R"({"input":[{"content":"x"}]})"), Nested()}) {
    EXPECT_EQ(OpenAiResponses().ReadMessages(body).error().code, ErrorCode::kDataCorrupt);
  }
}

TEST(ResponsesMessageTest, WholeResponseIsRead) {
  auto outcome = Responded(Answer(200, ResponseObject("completed", kText)));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "ab");
  EXPECT_EQ(outcome.reply.reasoning, "hm");
  EXPECT_EQ(outcome.reply.usage.prompt_tokens, 9);
  EXPECT_EQ(outcome.reply.usage.completion_tokens, 8);
}

TEST(ResponsesMessageTest, StatusDecidesTheClass) {
  const auto with = [](const std::string& status, const std::string& more = "") {
    return Responded(Answer(200, ResponseObject(status, kText, more))).outcome;
  };
  EXPECT_EQ(with("incomplete", R"(,"incomplete_details":{"reason":"max_output_tokens"})"), OutcomeClass::kTruncated);
  EXPECT_EQ(with("incomplete", R"(,"incomplete_details":{"reason":"content_filter"})"), OutcomeClass::kRefused);
  EXPECT_EQ(with("in_progress"), OutcomeClass::kTransport);
  EXPECT_EQ(with("queued"), OutcomeClass::kTransport);
  EXPECT_EQ(with("cancelled"), OutcomeClass::kOverloaded);
  EXPECT_EQ(with("failed", R"(,"error":{"code":"rate_limit_exceeded","message":"x"})"), OutcomeClass::kRateLimited);
  EXPECT_EQ(with("failed", R"(,"error":{"code":"server_error","message":"x"})"), OutcomeClass::kOverloaded);
  EXPECT_EQ(Responded(Answer(200, ResponseObject("completed", "[]"))).outcome, OutcomeClass::kMalformed);
  const std::string refusal = R"([{"type":"message","content":[{"type":"refusal","refusal":"I won't"}]}])";
  EXPECT_EQ(Responded(Answer(200, ResponseObject("completed", refusal))).outcome, OutcomeClass::kRefused);
  EXPECT_EQ(Responded(Answer(200, R"({"error":{"message":"x"}})")).outcome, OutcomeClass::kOverloaded);
  for (const char* body : {"", "[]", "{}", "<html>"}) {
    EXPECT_EQ(Responded(Answer(200, body)).outcome, OutcomeClass::kTransport) << body;
  }
}

// The whole text comes three times; it is taken once.
TEST(ResponsesStreamTest, EventsBecomeOneReply) {
  auto outcome = Responded(Stream({
      R"({"type":"response.created","response":{"status":"in_progress"}})",
      R"({"type":"response.reasoning_summary_text.delta","delta":"h","sequence_number":1})",
      R"({"type":"response.reasoning_summary_text.delta","delta":"m","sequence_number":2})",
      TextDeltaEvent("a", 3), TextDeltaEvent("", 4), TextDeltaEvent("\\n\\u0062", 5), TextDeltaEvent("c", 6),
      R"({"type":"response.output_text.done","text":"a\nbc"})",
      R"({"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"a\nbc"}]}})",
      EndEvent("completed", ResponseObject("completed", kText)),
  }));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "a\nbc");
  EXPECT_EQ(outcome.reply.reasoning, "hm");
  EXPECT_EQ(outcome.reply.usage.completion_tokens, 8);
}

TEST(ResponsesStreamTest, TheEndAloneIsEnough) {
  auto outcome = Responded(Stream({EndEvent("completed", ResponseObject("completed", kText))}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(outcome.reply.content, "ab");
  auto cut = Responded(Stream({TextDeltaEvent("a", 1), EndEvent("incomplete", ResponseObject("incomplete", kText, R"(,"incomplete_details":{"reason":"max_output_tokens"})"))}));
  EXPECT_EQ(cut.outcome, OutcomeClass::kTruncated);
  EXPECT_EQ(cut.reply.content, "a");
}

TEST(ResponsesStreamTest, CallsAreTakenWhole) {
  auto outcome = Responded(Stream({
      R"({"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}})",
      R"({"type":"response.function_call_arguments.delta","output_index":0,"delta":"{\"a\""})",
      R"({"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}})",
      EndEvent("completed", ResponseObject("completed", R"([{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a\":1}"}])")),
  }));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_THAT(outcome.reply.tool_calls, ElementsAre(ToolCall{"c", "f", R"({"a":1})"}));
}

TEST(ResponsesStreamTest, WithoutItsEndItIsLost) {
  EXPECT_EQ(Responded(Stream({TextDeltaEvent("a", 1)})).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Responded(Stream({TextDeltaEvent("a", 1), "[DONE]"})).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Responded(Stream({TextDeltaEvent("a", 1), "{\"type\":"})).outcome, OutcomeClass::kTransport);
  RawReply cut = Stream({TextDeltaEvent("a", 1)});
  cut.end = ExchangeEnd::kIdleTimeout;
  EXPECT_EQ(Responded(cut).reply.content, "a");
}

TEST(ResponsesStreamTest, ErrorsHaveTheirClass) {
  EXPECT_EQ(Responded(Stream({R"({"type":"error","code":"rate_limit_exceeded","message":"x"})"})).outcome,
            OutcomeClass::kRateLimited);
  EXPECT_EQ(Responded(Stream({R"({"type":"error","error":{"code":"server_error","message":"x"}})"})).outcome,
            OutcomeClass::kOverloaded);
  EXPECT_EQ(Responded(Stream({EndEvent("failed", R"({"status":"failed","error":{"code":"insufficient_quota","message":"x"}})")}))
                .outcome,
            OutcomeClass::kQuota);
  EXPECT_EQ(Responded(Answer(429, R"({"error":{"code":"insufficient_quota"}})")).outcome, OutcomeClass::kQuota);
}

TEST(ResponsesHostileTest, NestingEndsAsAnOutcome) {
  EXPECT_EQ(Responded(Answer(200, Nested())).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Responded(Stream({R"({"type":"response.completed","response":)" + Nested() + "}"})).outcome,
            OutcomeClass::kTransport);
}

}  // namespace
}  // namespace passnet::dialects
