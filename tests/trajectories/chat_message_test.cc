#include "trajectories/export/chat_message.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "tests/trajectories/journal_fixture.h"
#include "trajectories/export/conversation.h"

namespace passnet::trajectories {
namespace {

using dialects::AttemptOutcome;
using dialects::OpenAiChat;
using dialects::OutcomeClass;
using dialects::StoredMessage;

Result<StoredMessage> Read(std::string body) { return MessageOfReply(OpenAiChat(), 200, std::move(body)); }

TEST(ChatMessageTest, ReplyIsReadFromBothForms) {
  EXPECT_EQ(Read(R"({"choices":[{"message":{"role":"assistant","content":"hällo"}}]})").value().content, "hällo");
  const std::string body =
      ": keep-alive\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"h\xC3\xA4\"}}]}\r\n\r\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"llo\"}}]}\r\n\r\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
  StoredMessage streamed = Read(body).value();
  EXPECT_EQ(streamed.role, "assistant");
  EXPECT_EQ(streamed.content, "hällo");
}

TEST(ChatMessageTest, StreamedToolCallsAreJoinedByIndex) {
  std::string body =
      R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a",)"
      R"("function":{"name":"f","arguments":"{\"x\""}}]}}]})"
      "\n\n"
      R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}}]})"
      "\n\n";
  auto message = Read(body).value();
  EXPECT_EQ(message.content, std::nullopt);
  ASSERT_EQ(message.tool_calls.size(), 1u);
  EXPECT_EQ(message.tool_calls[0].arguments_json, R"({"x":1})");
  EXPECT_EQ(TrainingLine({{message, true}}),
            R"({"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function",)"
            R"("function":{"name":"f","arguments":"{\"x\":1}"}}],"weight":1}]})");
}

TEST(ChatMessageTest, NonsenseIsAnErrorThatSaysWhat) {
  const std::string nested = R"({"choices":[{"message":{"content":)" + std::string(1'000'000, '[');
  for (const std::string& body :
       {std::string(), std::string("<html>"), std::string("{}"), std::string(R"({"choices":[]})"),
        std::string(R"({"choices":[{"message":{"content":[1]}}]})"), std::string("data: {oops\n\n"),
        std::string(R"({"choices":[{"message":{"content":null}}]})"), std::string("{\"a\":\"\xff\"}"), nested,
        "data: " + nested + "\n\n"}) {
    auto message = Read(body);
    ASSERT_TRUE(message.has_error()) << body.substr(0, 100);
    EXPECT_EQ(message.error().code, ErrorCode::kDataCorrupt);
  }
}

struct OddReply {
  const char* what;
  std::string body;
  std::string content;

  friend void PrintTo(const OddReply& one, std::ostream* out) { *out << one.what; }
};

std::string Chunk(const std::string& delta, const std::string& finish = "null") {
  return R"({"choices":[{"index":0,"delta":)" + delta + R"(,"finish_reason":)" + finish + "}]}";
}

std::string Whole(const std::string& message) {
  return R"({"choices":[{"index":0,"finish_reason":"stop","message":)" + message + "}]}";
}

std::vector<OddReply> OddReplies() {
  const std::string he = "data: " + Chunk(R"({"role":"assistant","content":"he"})");
  const std::string llo = "data: " + Chunk(R"({"content":"llo"})", "\"stop\"");
  return {
      {"plain", Whole(R"({"role":"assistant","content":"hello"})"), "hello"},
      {"blanks in front", "\r\n \n" + Whole(R"({"content":"hello"})") + "\r\n", "hello"},
      {"byte order mark", "\xEF\xBB\xBF" + Whole(R"({"content":"hello"})"), "hello"},
      {"list content", Whole(R"({"content":[{"type":"text","text":"he"},{"type":"text","text":"llo"}]})"), "hello"},
      {"reasoning fields", Whole(R"({"content":"hello","reasoning":"r","reasoning_content":"rr"})"), "hello"},
      {"thinking in the text", Whole(R"({"content":"<think>r</think>\n\nhello"})"), "hello"},
      {"half a character", Whole("{\"content\":\"hello\xC3\"}"), "hello\xEF\xBF\xBD"},
      {"tool calls beside text",
       Whole(R"({"content":"hello","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]})"), "hello"},
      {"CRLF", he + "\r\n\r\n" + llo + "\r\n\r\ndata: [DONE]\r\n\r\n", "hello"},
      {"CR", he + "\r\r" + llo + "\r\rdata: [DONE]\r\r", "hello"},
      {"comments and other fields", ": ping\n\nid: 1\nevent: x\n" + he + "\n\n:\n\nretry: 5\n" + llo + "\n\n", "hello"},
      {"event name first", "event: message\n" + he + "\n\n" + llo + "\n\n", "hello"},
      {"no blank after the colon", "data:" + he.substr(6) + "\n\n" + llo + "\n\n", "hello"},
      {"several data lines", "data: {\"choices\":\ndata: " + he.substr(17) + "\n\n" + llo + "\n\n", "hello"},
      {"no [DONE], no last line end", he + "\n\n" + llo, "hello"},
      {"text after [DONE]", he + "\n\n" + llo + "\n\ndata: [DONE]\n\ndata: nonsense\n\n", "hello"},
      {"chunks without text", "data: " + Chunk(R"({"role":"assistant","content":null})") + "\n\n" + he + "\n\n" + llo +
                                  "\n\ndata: {\"choices\":[],\"usage\":null}\n\n", "hello"},
      {"list content in a delta",
       "data: " + Chunk(R"({"content":[{"type":"text","text":"he"}]})") + "\n\n" + llo + "\n\n", "hello"},
      {"reasoning in deltas", "data: " + Chunk(R"({"reasoning_content":"r"})") + "\n\n" + he + "\n\n" + llo + "\n\n",
       "hello"},
      {"half characters in deltas", he + "\n\ndata: " + Chunk("{\"content\":\"\xC3\"}", "\"stop\"") + "\n\n",
       "he\xEF\xBF\xBD"},
  };
}

class OddReplyTest : public JournalTest, public testing::WithParamInterface<OddReply> {
 protected:
  // As the loop renders it: every answer that it took stands in the next request.
  static std::string Request(const std::vector<dialects::ChatMessage>& messages) {
    dialects::ChatRequest request;
    request.model = "m";
    request.messages = messages;
    return OpenAiChat().RenderRequest(request).value();
  }

  // With all that is usable trained.
  Result<std::vector<ModelCall>> Calls() {
    auto reader = OpenReader();
    EventQuery query;
    query.trajectory_id = "t-1";
    query.with_payload = false;
    ASSIGN_OR_RETURN(const auto events, reader->Events(query));
    std::vector<SettledCall> settled = SettledCalls(events);
    MarkTrained(TrainedTurns::kAll, {}, &settled);
    std::vector<ModelCall> calls;
    for (const SettledCall& one : settled) {
      ASSIGN_OR_RETURN(ModelCall call, ReadCall(reader.get(), one));
      calls.push_back(std::move(call));
    }
    return calls;
  }
};

// What the loop accepted was dropped as unreadable by a second reader of the same bytes.
TEST_P(OddReplyTest, IsReadByExportAsByTheLoop) {
  dialects::RawReply raw;
  raw.status = 200;
  raw.body = GetParam().body;
  const AttemptOutcome taken = OpenAiChat().Interpret(raw);
  ASSERT_EQ(taken.outcome, OutcomeClass::kAccepted) << taken.detail;
  EXPECT_EQ(taken.reply.content, GetParam().content);

  OpenStore();
  Launch();
  std::vector<dialects::ChatMessage> messages = {{dialects::Role::kUser, "u"}};
  Call("call-1", Request(messages), raw.body);
  messages.push_back({dialects::Role::kAssistant, taken.reply.content});
  messages.push_back({dialects::Role::kUser, "faster"});
  Call("call-2", Request(messages), R"({"choices":[{"finish_reason":"stop","message":{"content":"last"}}]})");
  auto calls = Calls();
  ASSERT_TRUE(calls) << ToString(calls.error());
  ASSERT_EQ(calls.value().size(), 2u);
  const ModelCall& answered = calls.value()[0];
  EXPECT_EQ(answered.reply.content, GetParam().content);
  EXPECT_EQ(answered.reply.tool_calls, taken.reply.tool_calls);
  EXPECT_TRUE(answered.usable);
  EXPECT_TRUE(answered.trained);
  if (taken.reply.tool_calls.empty()) {
    EXPECT_EQ(WholeRows(calls.value()).size(), 1u) << "the history only grew";
  }
}

INSTANTIATE_TEST_SUITE_P(All, OddReplyTest, testing::ValuesIn(OddReplies()), [](const auto& one) {
  std::string name;
  for (char c : std::string(one.param.what)) {
    if (std::isalnum(static_cast<unsigned char>(c))) name += c;
  }
  return name;
});

class StoredCallTest : public OddReplyTest {
 protected:
  // One call with these facts of its intent and outcome.
  void Store(const std::string& intent_payload, const std::string& outcome_payload, const std::string& label,
             const std::string& reply) {
    OpenStore();
    Launch();
    Batch batch;
    EventDraft intent = Draft(EventKind::kLlmIntent, "call-1");
    intent.payload = intent_payload;
    intent.refs.push_back({"request", batch.AddRequest(Request({{dialects::Role::kUser, "u"}})).value()});
    EventDraft outcome = Draft(EventKind::kLlmOutcome, "call-1", label);
    outcome.payload = outcome_payload;
    outcome.refs.push_back({"reply", batch.AddBlob(reply).value()});
    ASSERT_TRUE(batch.Add(std::move(intent)));
    ASSERT_TRUE(batch.Add(std::move(outcome)));
    ASSERT_TRUE(store_->Append(batch));
  }
};

TEST_F(StoredCallTest, DialectIsTheOneOfTheIntent) {
  Store(R"({"dialect":"of a later build"})", "{}", "accepted", Whole(R"({"content":"x"})"));
  auto calls = Calls();
  ASSERT_FALSE(calls);
  EXPECT_EQ(calls.error().code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(calls.error().context, testing::HasSubstr("of a later build"));
}

// llama.cpp's 500 when the model's own text does not fit: the status is part of the answer.
TEST_F(StoredCallTest, StatusIsTheOneOfTheOutcome) {
  Store(R"({"dialect":"openai-chat"})", R"({"http_status":500})", "malformed",
        "the model produced output that does not match the grammar");
  auto calls = Calls();
  ASSERT_TRUE(calls) << ToString(calls.error());
  ASSERT_EQ(calls.value().size(), 1u);
  EXPECT_EQ(calls.value()[0].reply.content, "");
  EXPECT_FALSE(calls.value()[0].usable);
}

// A refusal has no content: the whole trajectory was dropped as unreadable for it.
TEST_F(StoredCallTest, RefusedAnswerIsReadAndNotTrained) {
  Store("{}", "{}", "refused", Whole(R"({"content":null,"refusal":"I won't"})"));
  auto calls = Calls();
  ASSERT_TRUE(calls) << ToString(calls.error());
  EXPECT_EQ(calls.value()[0].reply.content, "");
  EXPECT_FALSE(calls.value()[0].usable);
  EXPECT_FALSE(calls.value()[0].trained);
}

}  // namespace
}  // namespace passnet::trajectories
