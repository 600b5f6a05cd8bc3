#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "dialects/dialect.h"
#include "tests/dialects/replies.h"
#include "tests/fakes/paths.h"

namespace passnet::dialects {
namespace {

using testing::EndsWith;
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
  request.extra_json = R"({"reasoning_effort":"high","a":{"z":1,"b":2}})";
  EXPECT_EQ(Render(request),
            R"({"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u \"q\"\n"}],)"
            R"("max_tokens":7,"temperature":0.5,"seed":3,"stream":true,)"
            R"("stream_options":{"include_usage":true},"a":{"b":2,"z":1},"reasoning_effort":"high"})");
}

TEST(OpenAiRenderTest, SwitchesChangeTheirKeysOnly) {
  ChatRequest request = SmallRequest();
  request.messages = {{Role::kUser, "d"}, {Role::kAssistant, "a"}};
  request.max_completion_tokens = true;
  request.stream = false;
  EXPECT_EQ(Render(request),
            R"({"model":"m","messages":[{"role":"user","content":"d"},{"role":"assistant","content":"a"}],)"
            R"("max_completion_tokens":7,"stream":false})");
  request.stream = true;
  EXPECT_THAT(Render(request), EndsWith(R"("stream":true,"stream_options":{"include_usage":true}})"));
}

TEST(OpenAiRenderTest, HostileBytesCannotStopATrial) {
  ChatRequest request = SmallRequest();
  request.messages = {{Role::kUser, "\xFF\x01"}};
  EXPECT_THAT(Render(request), HasSubstr("\xEF\xBF\xBD\\u0001"));
}

TEST(OpenAiRenderTest, NestedExtraKeysAreRefused) {
  ChatRequest request = SmallRequest();
  request.extra_json = R"({"x":)" + Nested() + "}";
  auto rendered = OpenAiChat().RenderRequest(request);
  ASSERT_FALSE(rendered);
  EXPECT_EQ(rendered.error().code, ErrorCode::kInvalidArgument);
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

TEST(DialectNamedTest, StoredNamesLeadBack) {
  EXPECT_EQ(DialectNamed(OpenAiChat().name()).value(), &OpenAiChat());
  EXPECT_EQ(DialectNamed("").value(), &OpenAiChat());
  auto unknown = DialectNamed("of a later build");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.error().context, HasSubstr("of a later build"));
}

AttemptOutcome Interpret(const RawReply& reply) { return OpenAiChat().Interpret(reply); }

TEST(OpenAiMessageTest, WholeReplyIsAccepted) {
  RawReply reply = Answer(
      200, R"({"id":"r1","model":"gpt-x","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant",
      "content":"hi","refusal":null}}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,
      "prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}})");
  reply.headers["x-request-id"] = "req-9";
  auto outcome = Interpret(reply);
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted) << outcome.detail;
  EXPECT_EQ(outcome.reply.content, "hi");
  EXPECT_EQ(outcome.reply.request_id, "req-9");
  const Usage& usage = outcome.reply.usage;
  EXPECT_TRUE(usage.known);
  EXPECT_EQ(usage.prompt_tokens, 10);
  EXPECT_EQ(usage.completion_tokens, 5);
}

TEST(OpenAiMessageTest, FinishReasonDecidesTheClass) {
  auto with = [](const std::string& reason) {
    return Interpret(Message(R"({"finish_reason":)" + reason + R"(,"message":{"content":"x"}})")).outcome;
  };
  EXPECT_EQ(with("\"stop\""), OutcomeClass::kAccepted);
  EXPECT_EQ(with("\"eos\""), OutcomeClass::kAccepted);
  EXPECT_EQ(with("\"length\""), OutcomeClass::kTruncated);
  EXPECT_EQ(with("\"content_filter\""), OutcomeClass::kRefused);
  EXPECT_EQ(with("\"abort\""), OutcomeClass::kOverloaded);
  EXPECT_EQ(with("null"), OutcomeClass::kTransport);
}

TEST(OpenAiMessageTest, NothingInItIsMalformed) {
  for (const char* content : {"null", "\"\"", "\" \\n\""}) {
    auto outcome = Interpret(Message(R"({"finish_reason":"stop","message":{"content":)" + std::string(content) + "}}"));
    EXPECT_EQ(outcome.outcome, OutcomeClass::kMalformed) << content;
  }
  auto refused = Interpret(Message(R"({"finish_reason":"stop","message":{"content":null,"refusal":"I won't"}})"));
  EXPECT_EQ(refused.outcome, OutcomeClass::kRefused);
}

TEST(OpenAiMessageTest, WhatIsNoReplyIsLost) {
  for (const char* body : {"", "<html>captive portal</html>", "[]", "{}", R"({"choices":[]})", R"({"choices":[{}]})",
                           R"({"choices":[{"finish_reason":"stop","message":{"content":"x")"}) {
    EXPECT_EQ(Interpret(Answer(200, body)).outcome, OutcomeClass::kTransport) << body;
  }
}

TEST(OpenAiMessageTest, ErrorInsideA200IsNoReply) {
  EXPECT_EQ(Interpret(Answer(200, R"({"error":{"message":"x"}})")).outcome, OutcomeClass::kOverloaded);
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
  EXPECT_EQ(outcome.reply.finish_reason, "stop");
  EXPECT_EQ(outcome.reply.usage.prompt_tokens, 3);
  EXPECT_EQ(outcome.reply.usage.completion_tokens, 2);
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
  EXPECT_EQ(outcome.outcome, OutcomeClass::kTransport);
  EXPECT_EQ(outcome.reply.content, "half");
}

TEST(OpenAiStreamTest, FinishReasonWithoutDoneIsAcceptedWhenTheMessageIsWhole) {
  RawReply reply = Stream({Delta(R"({"content":"x"})", "\"stop\"")});
  EXPECT_EQ(Interpret(reply).outcome, OutcomeClass::kAccepted);
  reply.end = ExchangeEnd::kCut;
  reply.error = "reset";
  auto cut = Interpret(reply);
  EXPECT_EQ(cut.outcome, OutcomeClass::kTransport);
  EXPECT_THAT(cut.detail, HasSubstr("broke off after"));
}

TEST(OpenAiStreamTest, BrokenChunkLosesTheReply) {
  auto outcome = Interpret(Stream({Delta(R"({"content":"a"})"), "{\"choices\":[{", Delta("{}", "\"stop\""), "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kTransport);
}

TEST(OpenAiStreamTest, ErrorEventEndsIt) {
  auto outcome =
      Interpret(Stream({Delta(R"({"content":"a"})"), R"({"error":{"message":"overloaded","code":503}})", "[DONE]"}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(outcome.reply.content, "a");
}

TEST(OpenAiStreamTest, EmptyStreamIsLost) {
  EXPECT_EQ(Interpret(Stream({})).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Interpret(Stream({"[DONE]"})).outcome, OutcomeClass::kTransport);
}

TEST(OpenAiStreamTest, FormIsToldByTheBytes) {
  RawReply untyped = Stream({Delta(R"({"content":"x"})", "\"stop\"")});
  untyped.headers.clear();
  untyped.body = ": ping\n\n" + untyped.body;
  EXPECT_EQ(Interpret(untyped).outcome, OutcomeClass::kAccepted);
  // LiteLLM's mocks answer a streamed request with plain JSON.
  RawReply plain = TextReply("x");
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

// Some gateways write content as a list of parts.
TEST(OpenAiMessageTest, ContentMayBeAListOfParts) {
  auto outcome = Interpret(Message(R"({"finish_reason":"stop","message":{"content":[{"type":"text","text":"a"},)"
                                   R"({"type":"text","text":"b"}]}})"));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(outcome.reply.content, "ab");
}

Usage UsageOf(const std::string& usage) {
  return Interpret(Answer(200, R"({"choices":[{"finish_reason":"stop","message":{"content":"x"}}],"usage":)" + usage +
                                   "}"))
      .reply.usage;
}

// Settled with, such a number would be free or eat the budget up; unknown settles at the reservation.
TEST(OpenAiUsageTest, NumbersThatCannotBeAreNotKnown) {
  for (const char* count :
       {"9223372036854775807", "18446744073709551615", "1000000001", "-1", "1e308", "1.5", "\"7\""}) {
    EXPECT_FALSE(UsageOf(R"({"prompt_tokens":)" + std::string(count) + R"(,"completion_tokens":1})").known) << count;
    EXPECT_FALSE(UsageOf(R"({"prompt_tokens":1,"completion_tokens":)" + std::string(count) + "}").known) << count;
  }
  EXPECT_FALSE(UsageOf("{}").known);
  EXPECT_FALSE(UsageOf("[]").known);
}

TEST(OpenAiUsageTest, OddDetailsDoNotHideTheCounts) {
  Usage usage = UsageOf(R"({"prompt_tokens":1000000000,"total_tokens":-3,"completion_tokens_details":[]})");
  EXPECT_TRUE(usage.known);
  EXPECT_EQ(usage.prompt_tokens, 1'000'000'000);
  EXPECT_EQ(usage.completion_tokens, 0);
}

// dump() of such a reply overflowed the stack, and again at every restart, since the reply was durable.
TEST(OpenAiHostileTest, NestedArraysEndAsAnOutcome) {
  const std::string nested = Nested();
  EXPECT_EQ(Interpret(Answer(200, nested)).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Interpret(Answer(200, R"({"choices":)" + nested + "}")).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Interpret(Stream({nested, Delta("{}", "\"stop\"")})).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Interpret(Stream({Delta(R"({"content":)" + nested + "}", "\"stop\"")})).outcome, OutcomeClass::kTransport);
  EXPECT_EQ(Interpret(Answer(400, nested)).outcome, OutcomeClass::kBadRequest);
  EXPECT_EQ(Interpret(Answer(500, R"({"error":{"code":)" + nested + "}}")).outcome, OutcomeClass::kOverloaded);
  EXPECT_EQ(Interpret(Answer(200, R"({"error":)" + nested + "}")).outcome, OutcomeClass::kTransport);
}

TEST(OpenAiHostileTest, NestedArgumentsAreMalformed) {
  const std::string call = R"({"tool_calls":[{"id":"a","function":{"name":"f","arguments":)";
  auto as_text = Interpret(Stream({Delta(call + "\"" + Nested() + "\"}}]}", "\"stop\"")}));
  EXPECT_EQ(as_text.outcome, OutcomeClass::kMalformed);
  auto as_object = Interpret(Stream({Delta(call + R"({"x":)" + Nested() + "}}}]}", "\"stop\"")}));
  EXPECT_EQ(as_object.outcome, OutcomeClass::kTransport);
}

// 440 KB took the daemon's stack.
TEST(OpenAiHostileTest, NestedErrorOf440KilobytesHasItsClass) {
  const std::string body = R"({"error":{"message":"x","code":)" + std::string(440'000, '[');
  EXPECT_EQ(Interpret(Answer(429, body)).outcome, OutcomeClass::kRateLimited);
}

// Each call is looked up among the others: without a bound a reply of 32 MiB is hours of work.
TEST(OpenAiHostileTest, ToolCallsAreBounded) {
  std::string calls;
  for (int i = 0; i < 200'000; ++i) {
    calls += (i == 0 ? "" : ",") + (R"({"index":)" + std::to_string(i) + R"(,"id":"a","function":{"name":"f"}})");
  }
  auto outcome = Interpret(Stream({Delta(R"({"tool_calls":[)" + calls + "]}", "\"stop\"")}));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kMalformed);
  EXPECT_LE(outcome.reply.tool_calls.size(), 1024u);
}

TEST(OpenAiInterpretTest, TransportEndsHaveTheirClasses) {
  auto of = [](ExchangeEnd end, int status) {
    RawReply reply = TextReply("x");
    reply.end = end;
    reply.status = status;
    return Interpret(reply).outcome;
  };
  EXPECT_EQ(of(ExchangeEnd::kCancelled, 200), OutcomeClass::kCancelled);
  EXPECT_EQ(of(ExchangeEnd::kConnectFailed, 0), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(ExchangeEnd::kConnectTimeout, 0), OutcomeClass::kOverloaded);
  EXPECT_EQ(of(ExchangeEnd::kPeerUntrusted, 0), OutcomeClass::kBadRequest);
  EXPECT_EQ(of(ExchangeEnd::kFirstByteTimeout, 0), OutcomeClass::kTransport);
  for (auto end : {ExchangeEnd::kFirstByteTimeout, ExchangeEnd::kIdleTimeout, ExchangeEnd::kTotalTimeout,
                   ExchangeEnd::kCut, ExchangeEnd::kTooLarge, ExchangeEnd::kProtocolError}) {
    EXPECT_EQ(of(end, 200), OutcomeClass::kTransport) << ExchangeEndName(end);
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
}  // namespace passnet::dialects
