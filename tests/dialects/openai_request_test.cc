#include "dialects/openai_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dialects/dialect.h"
#include "tests/dialects/replies.h"

namespace passnet::dialects {
namespace {

using testing::HasSubstr;

TEST(OpenAiRequestTest, RenderedRequestIsReadBack) {
  ChatRequest request;
  request.model = "m";
  request.messages = {{Role::kSystem, "s"}, {Role::kUser, "u \"q\"\n"}, {Role::kAssistant, ""}};
  auto messages = OpenAiChat().ReadMessages(OpenAiChat().RenderRequest(request).value());
  ASSERT_TRUE(messages) << messages.error().context;
  ASSERT_EQ(messages.value().size(), 3u);
  EXPECT_EQ(messages.value()[0].role, "system");
  EXPECT_EQ(messages.value()[1].content, "u \"q\"\n");
  EXPECT_EQ(messages.value()[2].content, "");
}

TEST(OpenAiRequestTest, EveryFieldOfAMessageIsRead) {
  auto messages = MessagesOfRequest(
      R"({"messages":[{"role":"user","name":"n","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},)"
      R"({"role":"assistant","content":null,"tool_calls":[{"id":"i","type":"function",)"
      R"("function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"i","content":"r"}]})");
  ASSERT_TRUE(messages) << messages.error().context;
  const StoredMessage user{"user", "ab", "n", {}, ""};
  const StoredMessage call{"assistant", std::nullopt, "", {{"i", "f", "{}"}}, ""};
  const StoredMessage result{"tool", "r", "", {}, "i"};
  EXPECT_EQ(messages.value(), (std::vector<StoredMessage>{user, call, result}));
}

TEST(OpenAiRequestTest, NonsenseIsAnErrorThatSaysWhat) {
  const std::string image = R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]})";
  for (const std::string& message :
       {std::string("1"), std::string(R"({"content":"no role"})"), std::string(R"({"role":7,"content":"x"})"),
        std::string(R"({"role":"user"})"), std::string(R"({"role":"user","content":{}})"), image,
        std::string(R"({"role":"assistant","tool_calls":[{"id":"a"}]})"),
        std::string(R"({"role":"user","content":"\ud800"})"),  // a lone surrogate is no text
        std::string("{\"role\":\"user\",\"content\":\"\xFF\"}"), R"({"role":"user","content":)" + Nested() + "}"}) {
    auto messages = MessagesOfRequest(R"({"messages":[)" + message + "]}");
    ASSERT_FALSE(messages) << message.substr(0, 100);
    EXPECT_EQ(messages.error().code, ErrorCode::kDataCorrupt);
    EXPECT_THAT(messages.error().context, HasSubstr("request"));
  }
  EXPECT_FALSE(MessagesOfRequest(""));
  EXPECT_FALSE(MessagesOfRequest("{}"));
  EXPECT_FALSE(MessagesOfRequest(Nested()));
}

}  // namespace
}  // namespace passnet::dialects
