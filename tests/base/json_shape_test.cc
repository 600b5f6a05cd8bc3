#include "base/json_shape.h"

#include <gtest/gtest.h>

#include <random>

#include "base/json.h"

namespace passnet {
namespace {

const std::string kChunk =
    R"({"id":"c-1","choices":[{"index":0,"delta":{"content":" a"},"finish_reason":null}],"obfuscation":"xY","sequence":7})";

std::optional<JsonShape> ShapeOf(std::string_view example) {
  return JsonShape::Of(example, "content", {"obfuscation", "sequence"});
}

std::string Around(const std::string& content, const std::string& padding = "", const std::string& number = "8") {
  return R"({"id":"c-1","choices":[{"index":0,"delta":{"content":")" + content +
         R"("},"finish_reason":null}],"obfuscation":")" + padding + R"(","sequence":)" + number + "}";
}

TEST(JsonShapeTest, TheTakenTextComesOutUnescaped) {
  const auto shape = ShapeOf(kChunk);
  ASSERT_TRUE(shape);
  std::string out = "before";
  EXPECT_TRUE(shape->Match(Around(R"(x\n\t\"\\\/\b\f\r gr)" "\xC3\xBC\xC3\x9F"), &out));
  EXPECT_EQ(out, "beforex\n\t\"\\/\b\f\r gr\xC3\xBC\xC3\x9F");
  EXPECT_TRUE(shape->Match(Around("", "paddi\\\"ng", "123456789"), &out));
  EXPECT_TRUE(shape->Match(Around("", "", "-0"), &out));
}

TEST(JsonShapeTest, WhatIsNotTheSameIsNotMatched) {
  const auto shape = ShapeOf(kChunk);
  std::string out = "before";
  for (const std::string& other :
       {std::string(), kChunk + " ", kChunk.substr(0, kChunk.size() - 1), Around("a\"b"), Around("a\nb"), Around("a\\u0041"),
        Around("a\\x"), Around("\xFF"), Around("a\\"), Around("a", "\x01"), Around("a", "", "08"), Around("a", "", "1.5"),
        Around("a", "", "1e3"), Around("a", "", "9999999999999999999"), Around("a", "", "-"), Around("a", "", ""),
        Around(R"(x"},"finish_reason":"stop)")}) {
    EXPECT_FALSE(shape->Match(other, &out)) << other;
    EXPECT_EQ(out, "before");
  }
}

TEST(JsonShapeTest, TheTakenMemberMustBeOneText) {
  EXPECT_FALSE(ShapeOf(R"({"content":null})"));
  EXPECT_FALSE(ShapeOf(R"({"content":["a"]})"));
  EXPECT_FALSE(ShapeOf(R"({"a":{"content":"x"},"content":"y"})"));
  EXPECT_FALSE(ShapeOf(R"({"a":{"content":"x"},"content":1})"));
  EXPECT_FALSE(ShapeOf(R"({"a":"content"})"));
  EXPECT_FALSE(ShapeOf(R"({"content":"x","cont\u0065nt":"y"})"));
  EXPECT_FALSE(ShapeOf("{}"));
  EXPECT_TRUE(ShapeOf(R"({ "content" : "x", "a" : "content" })"));
  EXPECT_TRUE(ShapeOf(R"({"content":"x","obfuscation":null,"sequence":1.5})"));
}

// Texts that differ in some bytes from one that fits: what is matched parses to the same value, with the text in it.
TEST(JsonShapeTest, WhateverIsMatchedParsesToThat) {
  const auto shape = ShapeOf(kChunk);
  std::mt19937 random(7);
  const std::string bytes = "\"\\/bnu0:,{}[] a\xC3\xBC-9.e\x01";
  int matched = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text = kChunk;
    for (unsigned edits = random() % 4; edits > 0; --edits) {
      const size_t at = random() % text.size();
      const char c = bytes[random() % bytes.size()];
      switch (random() % 3) {
        case 0: text[at] = c; break;
        case 1: text.insert(at, 1, c); break;
        default: text.erase(at, 1);
      }
    }
    std::string content;
    if (!shape->Match(text, &content)) continue;
    ++matched;
    const auto parsed = ParseJson(text);
    ASSERT_TRUE(parsed) << text;
    Json wanted = ParseJson(kChunk).value();
    wanted.Set("obfuscation", parsed.value()["obfuscation"].Text());
    wanted.Set("sequence", parsed.value()["sequence"].Integer());
    Json delta = {{"content", content}};
    Json choice = {{"index", 0}, {"delta", std::move(delta)}, {"finish_reason", nullptr}};
    Json choices = Json::MakeArray();
    choices.Push(std::move(choice));
    wanted.Set("choices", std::move(choices));
    ASSERT_EQ(parsed.value(), wanted) << text;
  }
  EXPECT_GT(matched, 1000);
}

}  // namespace
}  // namespace passnet
