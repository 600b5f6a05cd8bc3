#include "recorded_llm/conversation.h"
#include "tests/fakes/paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <map>

#include "tests/recorded_llm/conversation_folder.h"

namespace passnet::recorded_llm {
namespace {

using testing::HasSubstr;

const char* kFirst = "task: gelu_1, write a GELU";

class LibraryTest : public testing::Test {
 protected:
  Library Load() {
    auto library = Library::Load(folder_.path());
    EXPECT_TRUE(library) << library.error().context;
    return std::move(library.value());
  }
  std::string Mistakes() {
    auto library = Library::Load(folder_.path());
    EXPECT_FALSE(library);
    return library ? "" : library.error().context;
  }
  static std::string Refusal(const Result<Choice>& choice) {
    EXPECT_FALSE(choice);
    if (choice) return {};
    EXPECT_EQ(choice.error().code, ErrorCode::kInvalidArgument);
    return choice.error().context;
  }

  ConversationFolder folder_;
};

TEST_F(LibraryTest, FirstUserMessageChoosesTheConversationAndRepliesTheTurn) {
  folder_.AddUsual();
  Library library = Load();
  EXPECT_EQ(library.size(), 2u);
  auto first = library.Choose({{"system", "RMSNorm"}, {"user", kFirst}});
  ASSERT_TRUE(first) << first.error().context;
  EXPECT_EQ(first.value().conversation->name, "gelu");
  EXPECT_EQ(first.value().turn, 0u);
  EXPECT_EQ(first.value().conversation->turns[0].reply, "first gr\xC3\xBC\xC3\x9F\n");
  auto second = library.Choose({{"user", kFirst}, {"assistant", "x"}, {"user", "error: line 7"}});
  ASSERT_TRUE(second) << second.error().context;
  EXPECT_EQ(second.value().turn, 1u);
}

TEST_F(LibraryTest, MissingFeedbackIsNamed) {
  folder_.AddUsual();
  std::string why = Refusal(Load().Choose({{"user", kFirst}, {"assistant", "x"}, {"user", "all is well"}}));
  EXPECT_THAT(why, HasSubstr("conversation gelu, turn 1"));
  EXPECT_THAT(why, HasSubstr("error: line \\d+"));
}

TEST_F(LibraryTest, MarksStandForWhatTheSeedDraws) {
  folder_.Write("gelu", "1.md", "@A@ and @A@, then @B@");
  folder_.Write("gelu", "conversation.json", R"({"schema": "passnet.recorded_conversation/1",
    "metadata": {"authored_by": "the tests", "provenance": "written by hand"}, "match": ["GELU"],
    "turns": [{"reply_file": "1.md", "vary": {"@A@": ["8", "@A@6"], "@B@": ["x", "y", "z"]}}]})");
  Library library = Load();
  auto choice = library.Choose({{"user", kFirst}});
  ASSERT_TRUE(choice) << choice.error().context;
  std::map<std::string, int> replies;
  for (int64_t seed = 0; seed < 200; ++seed) {
    EXPECT_EQ(ReplyFor(choice.value(), seed), ReplyFor(choice.value(), seed));
    ++replies[ReplyFor(choice.value(), seed)];
  }
  EXPECT_EQ(replies.size(), 6u);
  for (const auto& [reply, count] : replies) EXPECT_GT(count, 10) << reply;
  EXPECT_TRUE(replies.contains("@A@6 and @A@6, then z")) << "what was put in is not looked at again";
}

TEST_F(LibraryTest, TurnBeyondTheEndIsRefused) {
  folder_.AddUsual();
  std::vector<Message> messages = {{"user", kFirst}, {"assistant", "1"}, {"user", "error: line 1"}, {"assistant", "2"}};
  EXPECT_THAT(Refusal(Load().Choose(messages)), HasSubstr("turn 2: the recording ends after 2 turns"));
}

TEST_F(LibraryTest, ExactlyOneConversationMustMatch) {
  folder_.AddUsual();
  Library library = Load();
  std::string none = Refusal(library.Choose({{"user", "GELU only"}}));
  EXPECT_THAT(none, HasSubstr("gelu misses \"task: \\w+\""));
  EXPECT_THAT(none, HasSubstr("norm misses \"RMSNorm\""));
  EXPECT_THAT(Refusal(library.Choose({{"user", "task: x GELU and RMSNorm"}})), HasSubstr("more than one"));
  EXPECT_THAT(Refusal(library.Choose({{"system", kFirst}})), HasSubstr("no user message"));
}

TEST_F(LibraryTest, EveryMistakeIsToldAtOnce) {
  folder_.AddUsual();
  folder_.Write("a", "note.txt", "no recording here");
  folder_.Write("b", "conversation.json", "{\n  \"schema\": oops\n}");
  folder_.Write("c", "latin.md", "caf\xE9");
  folder_.Write("c", "conversation.json",
                R"({"schema": "passnet.recorded_conversation/9", "metadata": {"authored_by": ""},
    "match": ["(open", 5], "turnes": [],
    "turns": [{"reply_file": "../1.md", "expect": "text", "usage": {"prompt_tokens": -1, "tokens": 2}},
              {"reply_file": "latin.md", "finish_reason": "bored"}, {"expect": []}]})");
  folder_.Write("v", "1.md", "@A@");
  folder_.Write("v", "conversation.json",
                R"({"schema": "passnet.recorded_conversation/1",
    "metadata": {"authored_by": "x", "provenance": "x"}, "match": ["x"],
    "turns": [{"reply_file": "1.md", "vary": {"@A@": ["1", 2], "@B@": ["3"]}}, {"reply_file": "1.md", "vary": [1]}]})");
  folder_.Write("d", "1.md", "reply");
  folder_.Write("d", "conversation.json",
                R"({"schema": "passnet.recorded_conversation/1", "metadata": [], "match": ["x"],
    "turns": [{"reply_file": "1.md"}, 7]})");
  std::string mistakes = Mistakes();
  for (const char* expected : {
           "a/conversation.json",
           "b/conversation.json: not JSON at byte 15, line 2",
           "c/conversation.json: schema: \"passnet.recorded_conversation/9\" is none of passnet.recorded_conv",
           "metadata.authored_by: must be a text",
           "metadata.provenance: must be a text",
           "match[0]: \"(open\" is not a regular expression",
           "match[1]: must be a text",
           "turnes: unknown key",
           "turns[0].reply_file:",
           "turns[0].expect: must be a list",
           "turns[0].usage.tokens: unknown key",
           "turns[0].usage.prompt_tokens: out of range 0..1000000000: -1",
           "turns[0].usage.completion_tokens: is missing",
           "turns[1].reply_file: latin.md is not UTF-8",
           "turns[1].finish_reason: \"bored\" is none of stop, length, content_filter",
           "turns[2].reply_file: must be a text",
           "turns[0].vary.@A@: must be a list of texts",
           "turns[0].vary.@B@: does not stand in the reply",
           "turns[1].vary: must be an object",
           "d/conversation.json: metadata: must be an object",
           "d/conversation.json: turns: expected a list of objects, found an integer",
       }) {
    EXPECT_THAT(mistakes, HasSubstr(expected));
  }
  EXPECT_EQ(std::count(mistakes.begin(), mistakes.end(), '\n'), 21 + 1) << mistakes;
}

TEST_F(LibraryTest, NestingWithoutEndIsAMistakeLikeAnyOther) {
  folder_.Write("deep", "conversation.json", std::string(1'000'000, '['));
  EXPECT_THAT(Mistakes(), HasSubstr("deep/conversation.json: nested deeper than 100"));
}

TEST_F(LibraryTest, ShippedRecordingsLoad) {
  auto library = Library::Load(fakes::SourceDir() + "/recorded_llm/demo");
  ASSERT_TRUE(library) << library.error().context;
  EXPECT_GE(library.value().size(), 10u);
}

TEST_F(LibraryTest, NothingToReplayIsAMistake) {
  EXPECT_THAT(Mistakes(), HasSubstr("no folder"));
  auto missing = Library::Load(folder_.path() / "gone");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace passnet::recorded_llm
