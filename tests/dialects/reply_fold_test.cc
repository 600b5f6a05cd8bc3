// The same bytes in any pieces give the same outcome as all at once, in every dialect and for every kind of end.
#include "dialects/reply_fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialects/dialect.h"
#include "tests/dialects/replies.h"

namespace passnet::dialects {
namespace {

AttemptOutcome InPieces(const Dialect& dialect, const RawReply& reply, size_t piece) {
  auto fold = dialect.NewFold();
  for (size_t at = 0; at < reply.body.size(); at += piece) {
    const std::string gone_after_this_call = reply.body.substr(at, piece);
    fold->Feed(gone_after_this_call);
  }
  return fold->Finish(reply);
}

void ExpectSame(const AttemptOutcome& a, const AttemptOutcome& b) {
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.detail, b.detail);
  EXPECT_EQ(a.reply.content, b.reply.content);
  EXPECT_EQ(a.reply.reasoning, b.reply.reasoning);
  EXPECT_EQ(a.reply.refusal, b.reply.refusal);
  EXPECT_EQ(a.reply.tool_calls, b.reply.tool_calls);
  EXPECT_EQ(a.reply.finish_reason, b.reply.finish_reason);
  EXPECT_EQ(a.reply.usage.known, b.reply.usage.known);
  EXPECT_EQ(a.reply.usage.completion_tokens, b.reply.usage.completion_tokens);
}

std::vector<RawReply> ChatReplies() {
  const std::string usage = R"({"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}})";
  return {Stream({Delta(R"({"role":"assistant","content":""})"), Delta(R"({"reasoning_content":"hm"})"),
                  Delta(R"({"reasoning_content":" gr\u00fc"})"), Delta(R"({"content":"a\n"})"), Delta(R"({"content":"b\"c"})"),
                  Delta("{\"content\":\"Ã¼\"}"), Delta("{\"content\":\"Ã\"}"), Delta(R"({"content":"d"})"),
                  Delta(R"({"content":"e","reasoning_content":"x"})"), Delta(R"({"content":"f"})", "\"stop\""), usage, "[DONE]"}),
          Stream({Delta(R"({"content":"a"})"), Delta(R"({"content":"b"})"), R"({"error":{"message":"x"}})", "[DONE]"}),
          Stream({Delta(R"({"content":"a"})"), Delta(R"({"content":"b"})"), "{"}),
          Stream({Delta(R"({"content":"a"})"), "[DONE]"}),
          TextReply("plain"),
          Answer(200, "\n \n" + TextReply("plain").body),
          Answer(200, "<html>"),
          Answer(200, ""),
          Answer(200, "\n\n")};
}

TEST(ReplyFoldTest, PiecesOfAnySizeGiveTheSameReply) {
  for (RawReply reply : ChatReplies()) {
    for (ExchangeEnd end : {ExchangeEnd::kComplete, ExchangeEnd::kCut}) {
      reply.end = end;
      const AttemptOutcome whole = OpenAiChat().Interpret(reply);
      for (size_t piece = 1; piece < 80; piece += 3) ExpectSame(InPieces(OpenAiChat(), reply, piece), whole);
    }
  }
}

// Texts of events that are known again, beside the same texts in events that are not.
TEST(ReplyFoldTest, KnownEventsAreReadAsOthersAre) {
  std::vector<std::string> known, parsed;
  for (const char* text : {"a", "", " b", "\\n", "\\\"", "{}", "grÃ¼", "\\u0041", "[DONE]", "c"}) {
    known.push_back(Delta(R"({"content":")" + std::string(text) + R"("})"));
    parsed.push_back(Delta(R"({ "content":")" + std::string(text) + R"(","n":)" + std::to_string(parsed.size()) + "}"));
  }
  for (auto* events : {&known, &parsed}) events->push_back(Delta("{}", "\"stop\""));
  const AttemptOutcome outcome = OpenAiChat().Interpret(Stream(known));
  EXPECT_EQ(outcome.outcome, OutcomeClass::kAccepted);
  EXPECT_EQ(outcome.reply.content, "a b\n\"{}grÃ¼" "A[DONE]c");
  ExpectSame(OpenAiChat().Interpret(Stream(parsed)), outcome);
}

TEST(ReplyFoldTest, TheLastEventEndsIt) {
  const auto ended = [](const Dialect& dialect, const std::string& event) {
    auto fold = dialect.NewFold();
    fold->Feed("data: {\"type\":\"ping\"}\n\n");
    EXPECT_FALSE(fold->ended());
    fold->Feed("data: " + event + "\n\n");
    return fold->ended();
  };
  EXPECT_TRUE(ended(OpenAiChat(), "[DONE]"));
  EXPECT_TRUE(ended(OpenAiResponses(), R"({"type":"response.completed","response":{}})"));
  EXPECT_TRUE(ended(AnthropicMessages(), R"({"type":"message_stop"})"));
  // A connection that breaks after one of these has not ended as it should.
  EXPECT_FALSE(ended(OpenAiChat(), "{"));
  EXPECT_FALSE(ended(OpenAiChat(), R"({"error":{"message":"x"}})"));
  EXPECT_FALSE(ended(AnthropicMessages(), R"({"type":"error","error":{"type":"overloaded_error"}})"));
  EXPECT_FALSE(ended(AnthropicMessages(), R"({"type":"message_delta","delta":{"stop_reason":"end_turn"}})"));
}

TEST(DialectNamesTest, EveryNameLeadsToItsDialect) {
  EXPECT_THAT(DialectNames(), testing::ElementsAre("openai-chat", "openai-responses", "anthropic-messages"));
  for (const std::string& name : DialectNames()) EXPECT_EQ(DialectNamed(name).value()->name(), name);
}

}  // namespace
}  // namespace passnet::dialects
