#include "recorded_llm/endpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "base/json.h"

#include "tests/recorded_llm/conversation_folder.h"

namespace passnet::recorded_llm {
namespace {

using testing::HasSubstr;

const std::string kPlain = R"({"model":"m","messages":[{"role":"user","content":"task: t GELU"}]})";
const std::string kStreamed = R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
                              R"("messages":[{"role":"user","content":"task: t GELU"}]})";

class EndpointTest : public testing::Test {
 protected:
  EndpointTest() { folder_.AddUsual(); }

  Endpoint Make(std::vector<std::string> faults = {}, size_t chunk_bytes = 4) {
    EndpointOptions options;
    options.chunk_bytes = chunk_bytes;
    for (const auto& fault : faults) options.faults.push_back(ParseFault(fault).value());
    return Endpoint(Library::Load(folder_.path()).value(), options);
  }
  static Answer Post(Endpoint& endpoint, const std::string& body) {
    return endpoint.Handle("POST", "/v1/chat/completions", body);
  }
  static Json Body(const Answer& answer) { return ParseJson(answer.pieces.at(0)).value(); }
  static const Json& FirstChoice(const Json& body) { return body["choices"].At(0); }
  // The objects of the events, [DONE] left out.
  static std::vector<Json> Events(const Answer& answer) {
    std::vector<Json> events;
    for (const std::string& piece : answer.pieces) {
      EXPECT_TRUE(piece.starts_with("data: ") && piece.ends_with("\n\n")) << piece;
      if (piece != "data: [DONE]\n\n") events.push_back(ParseJson(piece.substr(6)).value());
    }
    return events;
  }

  ConversationFolder folder_;
};

TEST_F(EndpointTest, MessageIsOpenAis) {
  Endpoint endpoint = Make();
  Answer answer = Post(endpoint, kPlain);
  EXPECT_EQ(answer.status, 200);
  Json body = Body(answer);
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(FirstChoice(body)["message"]["content"], "first gr\xC3\xBC\xC3\x9F\n");
  EXPECT_EQ(FirstChoice(body)["finish_reason"], "stop");
  EXPECT_EQ(body["usage"], ParseJson(R"({"prompt_tokens":10,"completion_tokens":20,"total_tokens":30})").value());
}

TEST_F(EndpointTest, SameRequestGetsTheSameBytes) {
  Endpoint endpoint = Make();
  EXPECT_EQ(Post(endpoint, kPlain).pieces, Post(endpoint, kPlain).pieces);
  Json other = ParseJson(kPlain).value();
  other.Set("model", "n");
  EXPECT_NE(Body(Post(endpoint, kPlain))["id"], Body(Post(endpoint, other.Dump()))["id"]);
}

TEST_F(EndpointTest, TheSeedChoosesAmongTheTextsOfAMark) {
  folder_.Write("norm", "1.md", "tile @T@");
  folder_.Write("norm", "conversation.json", R"({"schema": "passnet.recorded_conversation/1",
    "metadata": {"authored_by": "the tests", "provenance": "written by hand"}, "match": ["RMSNorm"],
    "turns": [{"reply_file": "1.md", "vary": {"@T@": ["8", "16", "32", "64"]}}]})");
  Endpoint endpoint = Make();
  std::set<std::string> replies;
  for (int seed = 0; seed < 40; ++seed) {
    const std::string request = R"({"model":"m","messages":[{"role":"user","content":"RMSNorm"}],"seed":)" +
                                std::to_string(seed) + "}";
    replies.insert(FirstChoice(Body(Post(endpoint, request)))["message"]["content"].Text());
  }
  EXPECT_EQ(replies, (std::set<std::string>{"tile 8", "tile 16", "tile 32", "tile 64"}));
}

TEST_F(EndpointTest, EventsCarryWholeCharacters) {
  for (size_t chunk_bytes : {1, 2, 3, 5, 100}) {
    Endpoint endpoint = Make({}, chunk_bytes);
    Answer answer = Post(endpoint, kStreamed);
    EXPECT_TRUE(answer.streamed);
    EXPECT_EQ(answer.content_type, "text/event-stream");
    EXPECT_EQ(answer.pieces.back(), "data: [DONE]\n\n");
    auto events = Events(answer);
    std::string content;
    for (const Json& event : events) {
      content += FirstChoice(event)["delta"]["content"].Text();
    }
    EXPECT_EQ(content, "first gr\xC3\xBC\xC3\x9F\n");
    EXPECT_EQ(FirstChoice(events[events.size() - 2])["finish_reason"], "stop");
    EXPECT_EQ(events.back()["choices"], Json::MakeArray());
    EXPECT_EQ(events.back()["usage"]["total_tokens"], 30);
  }
}

TEST_F(EndpointTest, UsageIsStreamedOnlyWhenAskedFor) {
  Endpoint endpoint = Make();
  Json request = ParseJson(kStreamed).value();
  request.Set("stream_options", nullptr);
  for (const Json& event : Events(Post(endpoint, request.Dump()))) EXPECT_FALSE(event.Has("usage"));
}

TEST_F(EndpointTest, MismatchIsA422InOpenAisForm) {
  Endpoint endpoint = Make();
  Answer answer = Post(endpoint, R"({"model":"m","messages":[{"role":"user","content":"task: t GELU"},
      {"role":"assistant","content":"x"},{"role":"user","content":[{"type":"text","text":"fine"}]}]})");
  EXPECT_EQ(answer.status, 422);
  Json error = Body(answer)["error"];
  EXPECT_EQ(error["code"], "recording_mismatch");
  EXPECT_THAT(error["message"].Text(), HasSubstr("error: line \\d+"));
}

TEST_F(EndpointTest, BadBodiesAreA400) {
  Endpoint endpoint = Make();
  for (const char* body : {"", "nonsense", "[]", "{}", R"({"model":1,"messages":[]})", R"({"model":"m"})",
                           R"({"model":"m","messages":{}})", R"({"model":"m","messages":[5]})",
                           R"({"model":"m","messages":[{"content":"x"}]})", "{\"model\":\"\xFF\"}"}) {
    Answer answer = Post(endpoint, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(Body(answer)["error"]["code"], "invalid_body");
  }
}

TEST_F(EndpointTest, NestingWithoutEndIsA400ThatSaysSo) {
  Endpoint endpoint = Make();
  const std::string nested(1'000'000, '[');
  for (const std::string& body : {nested, R"({"model":"m","messages":)" + nested}) {
    Answer answer = Post(endpoint, body);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(Body(answer)["error"]["message"].Text(), HasSubstr("the body: nested deeper than 100"));
  }
}

TEST_F(EndpointTest, BadBodiesNameTheKey) {
  Endpoint endpoint = Make();
  auto message = [&](const std::string& body) { return Body(Post(endpoint, body))["error"]["message"].Text(); };
  EXPECT_THAT(message(R"({"model":1,"messages":[]})"), HasSubstr("model: expected a text, found an integer"));
  EXPECT_THAT(message(R"({"model":"m","messages":[{"role":"user"},{}]})"), HasSubstr("messages[1].role: is missing"));
}

TEST_F(EndpointTest, OtherRoutes) {
  Endpoint endpoint = Make();
  EXPECT_EQ(Body(endpoint.Handle("GET", "/health", ""))["conversations"], 2);
  EXPECT_EQ(Body(endpoint.Handle("GET", "/v1/models?limit=1", ""))["data"].At(0)["id"], "recorded");
  EXPECT_EQ(endpoint.Handle("GET", "/v1/chat/completions", "").status, 405);
  EXPECT_EQ(endpoint.Handle("POST", "/health", "").status, 405);
  EXPECT_EQ(endpoint.Handle("GET", "/", "").status, 404);
}

TEST_F(EndpointTest, FaultsCountRequestsToTheChatRouteOnly) {
  Endpoint endpoint = Make({"500:at=2"});
  EXPECT_EQ(Post(endpoint, kPlain).status, 200);
  endpoint.Handle("GET", "/health", "");
  EXPECT_EQ(Post(endpoint, kPlain).status, 500);
  EXPECT_EQ(Post(endpoint, kPlain).status, 200);
}

TEST_F(EndpointTest, RefusingFaults) {
  Endpoint endpoint = Make({"429:at=1,retry_after=7", "html:at=2"});
  Answer limited = Post(endpoint, kPlain);
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers, (std::vector<std::pair<std::string, std::string>>{{"Retry-After", "7"}}));
  Answer html = Post(endpoint, kPlain);
  EXPECT_EQ(html.status, 502);
  EXPECT_EQ(html.content_type, "text/html");
}

TEST_F(EndpointTest, TruncatedAnswerEndsInOrderWithoutFinishReason) {
  Endpoint endpoint = Make({"truncate:every=1"});
  Answer streamed = Post(endpoint, kStreamed);
  EXPECT_EQ(streamed.ending, Answer::Ending::kWhole);
  EXPECT_EQ(streamed.pieces.back(), "data: [DONE]\n\n");
  for (const Json& event : Events(streamed)) EXPECT_TRUE(FirstChoice(event)["finish_reason"].is_null());
  Json plain = Body(Post(endpoint, kPlain));
  EXPECT_TRUE(FirstChoice(plain)["finish_reason"].is_null());
  EXPECT_EQ(FirstChoice(plain)["message"]["content"], "first ");
}

TEST_F(EndpointTest, InterruptedAnswersKeepHalf) {
  Endpoint whole = Make();
  for (auto [fault, ending] : {std::pair("disconnect:every=1", Answer::Ending::kCloseInside),
                               std::pair("stall:every=1", Answer::Ending::kStallInside)}) {
    Endpoint endpoint = Make({fault});
    Answer streamed = Post(endpoint, kStreamed);
    EXPECT_EQ(streamed.ending, ending);
    EXPECT_EQ(streamed.pieces.size(), Post(whole, kStreamed).pieces.size() / 2);
    Answer plain = Post(endpoint, kPlain);
    EXPECT_EQ(plain.ending, ending);
    EXPECT_EQ(plain.pieces[0].size() + plain.missing_bytes, Post(whole, kPlain).pieces[0].size());
  }
}

TEST_F(EndpointTest, MalformedAnswerIsNoJson) {
  Endpoint endpoint = Make({"malformed:every=1"});
  EXPECT_FALSE(ParseJson(Post(endpoint, kPlain).pieces[0]));
  int broken = 0;
  for (const std::string& piece : Post(endpoint, kStreamed).pieces) {
    EXPECT_TRUE(piece.ends_with("\n\n"));
    broken += piece != "data: [DONE]\n\n" && !ParseJson(piece.substr(6));
  }
  EXPECT_EQ(broken, 1);
}

}  // namespace
}  // namespace passnet::recorded_llm
