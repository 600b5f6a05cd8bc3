#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/llm/chat_adapter.h"
#include "base/file.h"
#include "tests/fakes/fake_llm_client.h"
#include "tests/fakes/paths.h"

namespace passnet::agent {
namespace {

using fakes::FakeLlmClient;
using testing::HasSubstr;

ChatRequest SmallRequest() {
  ChatRequest request;
  request.model = "m";
  request.messages = {{Role::kSystem, "s"}, {Role::kUser, "u \"q\"\n"}};
  request.max_tokens = 7;
  return request;
}

std::string Render(const ChatRequest& request) { return OpenAiChat().RenderRequest(request).value(); }

TEST(OpenAiRenderTest, KeysHaveOneOrder) {
  ChatRequest request = SmallRequest();
  request.temperature = 0.5;
  request.seed = 3;
  request.stop = {"END"};
  request.extra_json = R"({"reasoning_effort":"high","a":{"z":1,"b":2}})";
  EXPECT_EQ(Render(request),
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u \"q\"\n"}],)"
            R"("max_tokens":7,"temperature":0.5,"seed":3,"stop":["END"],"stream":true,)"
            R"("stream_options":{"include_usage":true},"a":{"b":2,"z":1},"reasoning_effort":"high"})");
}

TEST(OpenAiRenderTest, SwitchesChangeTheirKeysOnly) {
  ChatRequest request = SmallRequest();
  request.messages = {{Role::kDeveloper, "d"}, {Role::kAssistant, "a"}};
  request.max_completion_tokens = true;
  request.stream = false;
  EXPECT_EQ(Render(request),
            R"({"model":"m","messages":[{"role":"developer","content":"d"},{"role":"assistant","content":"a"}],)"
            R"("max_completion_tokens":7,"stream":false})");
  request.stream = true;
  request.stream_usage = false;
  EXPECT_THAT(Render(request), HasSubstr(R"("stream":true})"));
}

TEST(OpenAiRenderTest, HostileBytesCannotStopATrial) {
  ChatRequest request = SmallRequest();
  request.messages = {{Role::kUser, "\xFF\x01"}};
  EXPECT_THAT(Render(request), HasSubstr("\xEF\xBF\xBD\\u0001"));
}

TEST(OpenAiRenderTest, ExtraKeysMustBeNewOnes) {
  ChatRequest request = SmallRequest();
  for (const char* extra : {"[]", "nonsense", R"({"model":"other"})", R"({"stream":false})"}) {
    request.extra_json = extra;
    auto rendered = OpenAiChat().RenderRequest(request);
    ASSERT_FALSE(rendered) << extra;
    EXPECT_EQ(rendered.error().code, ErrorCode::kInvalidArgument);
  }
}

AttemptOutcome Interpret(const RawReply& reply) { return OpenAiChat().Interpret(reply); }

// A message body with this choice.
RawReply Message(const std::string& choice) {
  return FakeLlmClient::Answer(200, R"({"id":"r","choices":[)" + choice + "]}");
}

RawReply Stream(const std::vector<std::string>& events) {
  RawReply reply = FakeLlmClient::Answer(200, "");
  reply.headers["content-type"] = "text/event-stream; charset=utf-8";
  for (const auto& event : events) reply.body += "data: " + event + "\n\n";
  return reply;
}

std::string Delta(const std::string& delta, const std::string& finish = "null") {
  return R"({"id":"c","model":"m-1","choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish + "}]}";
}

TEST(OpenAiMessageTest, WholeReplyIsAccepted) {
  RawReply reply = FakeLlmClient::Answer(
      200, R"({"id":"r1","model":"gpt-x","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",
      "content":"hi","refusal":null}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,
      "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}})");
  reply.headers["x-request-id"] = "req-9";
  auto outcome = Interpret(reply);
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "hi");
  EXPECT_EQ(outcome.reply.response_id, "r1");
  EXPECT_EQ(outcome.reply.request_id, "req-9");
  EXPECT_EQ(outcome.reply.model, "gpt-x");
  const Usage& usage = outcome.reply.usage;
  EXPECT_TRUE(usage.known);
  EXPECT_EQ(usage.prompt_tokens, 10);
  EXPECT_EQ(usage.completion_tokens, 5);
  EXPECT_EQ(usage.total_tokens, 15);
  EXPECT_EQ(usage.cached_tokens, 4);
  EXPECT_EQ(usage.reasoning_tokens, 2);
}

TEST(OpenAiMessageTest, FinishReasonDecidesTheClass) {
  auto with = [](const std::string& reason) {
    return Interpret(Message(R"({"finish_reason":)" + reason + R"(,"message":{"content":"x"}})")).outcome;
  };
  EXPECT_EQ(with("\"stop\""), OutcomeClass::kAccepted);
  EXPECT_EQ(with("\"eos\""), OutcomeClass::kAccepted);
  EXPECT_EQ(with("\"length\""), OutcomeClass::kTruncated);
  EXPECT_EQ(with("\"content_filter\""), OutcomeClass::kFiltered);
  EXPECT_EQ(with("\"abort\""), OutcomeClass::kOverloaded);
  EXPECT_EQ(with("null"), OutcomeClass::kLost);
}

TEST(OpenAiMessageTest, NothingInItIsMalformed) {
  for (const char* content : {"null", "\"\"", "\" \\n\""}) {
    auto outcome = Interpret(Message(R"({"finish_reason":"stop","message":{"content":)" + std::string(content) + "}}"));
    EXPECT_EQ(outcome.outcome, OutcomeClass::kMalformed) << content;
  }
  auto refused = Interpret(Message(R"({"finish_reason":"stop","message":{"content":null,"refusal":"I won't"}})"));
  EXPECT_EQ(refused.outcome, OutcomeClass::kFiltered);
}

TEST(OpenAiMessageTest, WhatIsNoReplyIsLost) {
  for (const char* body : {"", "<html>captive portal</html>", "[]", "{}", R"({"choices":[]})", R"({"choices":[{}]})",
                           R"({"choices":[{"finish_reason":"stop","message":{"content":"x")"}) {
    EXPECT_EQ(Interpret(FakeLlmClient::Answer(200, body)).outcome, OutcomeClass::kLost) << body;
  }
}

TEST(OpenAiMessageTest, ErrorInsideA200IsNoReply) {
  EXPECT_EQ(Interpret(FakeLlmClient::Answer(200, R"({"error":{"message":"x"}})")).outcome, OutcomeClass::kOverloaded);
}

TEST(OpenAiMessageTest, ReasoningComesFromFourPlaces) {
  auto reasoning = [](const std::string& fields) {
    auto outcome = Interpret(Message(R"({"finish_reason":"stop","message":{)" + fields + "}}"));
    EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << fields;
    return outcome.reply.reasoning + "|" + outcome.reply.content;
  };
  EXPECT_EQ(reasoning(R"("content":"c","reasoning":"r3","reasoning_content":"r2","reasoning_details":[{"text":"r1"}])"),
            "r1|c");
  EXPECT_EQ(reasoning(R"("content":"c","reasoning":"r3","reasoning_content":"r2")"), "r2|c");
  EXPECT_EQ(reasoning(R"("content":"c","reasoning":"r3")"), "r3|c");
  EXPECT_EQ(reasoning(R"("content":"\n<think>r4</think>\n\nc")"), "r4|c");
  EXPECT_EQ(reasoning(R"("content":"r5</think>c")"), "r5|c");
  EXPECT_EQ(reasoning(R"("content":"a </think> b","reasoning":"r")"), "r|a </think> b");
}

TEST(OpenAiStreamTest, DeltasAreJoined) {
  auto outcome = Interpret(Stream({Delta(R"({"role":"assistant","content":""})"), Delta(R"({"content":"he"})"),
                                   Delta(R"({"content":"llo"})"), Delta("{}", "\"stop\""),
                                   R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})", "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "hello");
  EXPECT_EQ(outcome.reply.model, "m-1");
  EXPECT_EQ(outcome.reply.finish_reason, "stop");
  EXPECT_EQ(outcome.reply.usage.total_tokens, 5);
}

// BerriAI/litellm#36168: usage lost when the last chunk with usage still has a choice.
TEST(OpenAiStreamTest, LastUsageThatIsNotNullWins) {
  auto outcome = Interpret(
      Stream({R"({"choices":[{"delta":{"content":"x"},"finish_reason":null}],)"
              R"("usage":{"prompt_tokens":1,"completion_tokens":1}})",
              R"({"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":8}})",
              R"({"choices":[],"usage":null})", "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_TRUE(outcome.reply.usage.known);
  EXPECT_EQ(outcome.reply.usage.prompt_tokens, 9);
}

TEST(OpenAiStreamTest, UsageMayBeUnknown) {
  auto outcome = Interpret(Stream({Delta(R"({"content":"x"})", "\"stop\""), "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_FALSE(outcome.reply.usage.known);
}

// llama-cpp-python with interrupt_requests: status 200, [DONE], and half an answer.
TEST(OpenAiStreamTest, DoneWithoutFinishReasonIsLost) {
  auto outcome = Interpret(Stream({Delta(R"({"content":"half"})"), "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kLost);
  EXPECT_EQ(outcome.reply.content, "half");
}

TEST(OpenAiStreamTest, FinishReasonWithoutDoneIsAcceptedWhenTheMessageIsWhole) {
  RawReply reply = Stream({Delta(R"({"content":"x"})", "\"stop\"")});
  EXPECT_EQ(Interpret(reply).outcome, OutcomeClass::kAccepted);
  reply.end = ExchangeEnd::kCut;
  reply.error = "reset";
  auto cut = Interpret(reply);
  EXPECT_EQ(cut.outcome, OutcomeClass::kLost);
  EXPECT_THAT(cut.detail, HasSubstr("broke off after"));
}

TEST(OpenAiStreamTest, BrokenChunkLosesTheReply) {
  auto outcome = Interpret(Stream({Delta(R"({"content":"a"})"), "{\"choices\":[{", Delta("{}", "\"stop\""), "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kLost);
}

TEST(OpenAiStreamTest, ErrorEventEndsIt) {
  auto outcome =
      Interpret(Stream({Delta(R"({"content":"a"})"), R"({"error":{"message":"overloaded","code":503}})", "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(outcome.reply.content, "a");
}

TEST(OpenAiStreamTest, EmptyStreamIsLost) {
  EXPECT_EQ(Interpret(Stream({})).outcome, OutcomeClass::kLost);
  EXPECT_EQ(Interpret(Stream({"[DONE]"})).outcome, OutcomeClass::kLost);
}

TEST(OpenAiStreamTest, FormIsToldByTheBytes) {
  RawReply untyped = Stream({Delta(R"({"content":"x"})", "\"stop\"")});
  untyped.headers.clear();
  untyped.body = ": ping\n\n" + untyped.body;
  EXPECT_EQ(Interpret(untyped).outcome, OutcomeClass::kAccepted);
  // LiteLLM's mocks answer a streamed request with plain JSON.
  RawReply plain = FakeLlmClient::Text("x");
  EXPECT_EQ(Interpret(plain).outcome, OutcomeClass::kAccepted);
  plain.headers["content-type"] = "text/event-stream";
  EXPECT_EQ(Interpret(plain).outcome, OutcomeClass::kAccepted);
}

TEST(OpenAiStreamTest, HalvesOfCharactersDoNotLoseTheReply) {
  auto outcome = Interpret(Stream({Delta("{\"content\":\"a\xC3\"}"), Delta("{\"content\":\"\xA9\"}", "\"stop\"")}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(outcome.reply.content, "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(OpenAiToolCallTest, FragmentsAreJoinedByIndex) {
  auto outcome = Interpret(Stream({
      Delta(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]})"),
      Delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]})"),
      Delta(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}]})"),
      Delta(R"({"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]})"),
      Delta("{}", "\"stop\""),  // Gemini's gateway says stop although calls were made
  }));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  ASSERT_EQ(outcome.reply.tool_calls.size(), 2u);
  EXPECT_EQ(outcome.reply.tool_calls[0].arguments_json, R"({"x":1})");
  EXPECT_EQ(outcome.reply.tool_calls[1].name, "g");
}

// llama-cpp-python repeats id and name in every delta.
TEST(OpenAiToolCallTest, RepeatedNameIsOneName) {
  auto outcome = Interpret(
      Stream({Delta(R"({"role":null,"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]})"),
              Delta(R"({"role":null,"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"}"}}]})"),
              Delta("{}", "\"tool_calls\"")}));
  ASSERT_EQ(outcome.reply.tool_calls.size(), 1u);
  EXPECT_EQ(outcome.reply.tool_calls[0].name, "f");
  EXPECT_EQ(outcome.reply.tool_calls[0].arguments_json, "{}");
}

// ollama#7881: no index, one whole call a chunk; SGLang: index 0 for every call.
TEST(OpenAiToolCallTest, NewIdOnTheSameIndexIsANewCall) {
  for (const char* index : {"", R"("index":0,)"}) {
    auto call = [&](const char* id) {
      return Delta(R"({"tool_calls":[{)" + std::string(index) + R"("id":")" + id +
                   R"(","function":{"name":"f","arguments":{"x":1}}}]})");
    };
    auto outcome = Interpret(Stream({call("a"), call("b"), Delta("{}", "\"stop\"")}));
    EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
    ASSERT_EQ(outcome.reply.tool_calls.size(), 2u) << index;
    EXPECT_EQ(outcome.reply.tool_calls[1].arguments_json, R"({"x":1})");
  }
}

TEST(OpenAiToolCallTest, ArgumentsThatAreNotJsonAreMalformed) {
  auto outcome = Interpret(Message(R"({"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"a",)"
                                   R"("function":{"name":"f","arguments":"{\"x\":"}}]}})"));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kMalformed);
  EXPECT_EQ(outcome.reply.tool_calls[0].arguments_json, "{\"x\":");
}

TEST(OpenAiInterpretTest, TransportEndsHaveTheirClasses) {
  auto of = [](ExchangeEnd end, int status) {
    RawReply reply = FakeLlmClient::Text("x");
    reply.end = end;
    reply.status = status;
    return Interpret(reply).outcome;
  };
  EXPECT_EQ(of(ExchangeEnd::kCancelled, 200), OutcomeClass::kCancelled);
  EXPECT_EQ(of(ExchangeEnd::kConnectFailed, 0), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(ExchangeEnd::kConnectTimeout, 0), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(ExchangeEnd::kPeerUntrusted, 0), OutcomeClass::kBadRequest);
  EXPECT_EQ(of(ExchangeEnd::kFirstByteTimeout, 0), OutcomeClass::kLost);
  for (auto end : {ExchangeEnd::kFirstByteTimeout, ExchangeEnd::kIdleTimeout, ExchangeEnd::kTotalTimeout,
                   ExchangeEnd::kCut, ExchangeEnd::kTooLarge, ExchangeEnd::kProtocolError}) {
    EXPECT_EQ(of(end, 200), OutcomeClass::kLost) << ExchangeEndName(end);
  }
  EXPECT_EQ(of(ExchangeEnd::kCut, 429), OutcomeClass::kRateLimited) << "the status line is enough";
}

TEST(OpenAiInterpretTest, ClassNamesAreDistinct) {
  for (int i = 0; i <= static_cast<int>(OutcomeClass::kCancelled); ++i) {
    auto outcome = static_cast<OutcomeClass>(i);
    EXPECT_EQ(OutcomeClassFromName(OutcomeClassName(outcome)), outcome);
    EXPECT_EQ(IsModelBehaviour(outcome), i < 4);
  }
  EXPECT_FALSE(OutcomeClassFromName("nonsense"));
}

// Journals held "refused" and "transport" where docs and logs said "filtered" and "lost".
TEST(OpenAiInterpretTest, ClassNamesAreThoseOfTheDocs) {
  const std::string docs = fakes::SourceDir() + "/docs/";
  const std::string llm = ReadFile(docs + "llm.md", 1 << 20).value();
  const std::string formats = ReadFile(docs + "formats.md", 1 << 20).value();
  size_t begin = formats.find("- **outcome class**");
  ASSERT_NE(begin, std::string::npos);
  const std::string stored = formats.substr(begin, formats.find("\n- **", begin) - begin);
  for (int i = 0; i <= static_cast<int>(OutcomeClass::kCancelled); ++i) {
    std::string name(OutcomeClassName(static_cast<OutcomeClass>(i)));
    EXPECT_THAT(llm, HasSubstr("\n| " + name + " | "));
    EXPECT_THAT(stored, testing::ContainsRegex("[ \n]" + name + "[, ]"));
  }
}

}  // namespace
}  // namespace passnet::agent
