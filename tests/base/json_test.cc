#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace passnet {
namespace {

std::string Nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(JsonTest, WrittenAsGivenInTheOrderOfWriting) {
  Json json = {{"b", 1}, {"a", {1, 2.5, nullptr, true, "x"}}, {"c", {{"d", -1}}}};
  json.Set("e", Json::MakeArray()).Push(Json::MakeObject());
  EXPECT_EQ(json.Dump(), R"({"b":1,"a":[1,2.5,null,true,"x"],"c":{"d":-1},"e":[{}]})");
  EXPECT_EQ(Json(std::vector<int>{1, 2}).Dump(), "[1,2]");
  EXPECT_EQ((Json{{"k", std::map<std::string, double>{{"x", 0.1}}}}).Dump(), R"({"k":{"x":0.1}})");
}

TEST(JsonTest, IndentedForPeople) {
  Json json = {{"a", {1, 2}}, {"b", Json::MakeArray()}};
  EXPECT_EQ(json.Dump(1), "{\n \"a\": [\n  1,\n  2\n ],\n \"b\": []\n}");
}

TEST(JsonTest, ReadsWhatItWrote) {
  Json json = {{"i", std::numeric_limits<int64_t>::min()},
               {"u", std::numeric_limits<uint64_t>::max()},
               {"d", 0.1},
               {"t", "\x01 \" \\ é"},
               {"n", nullptr}};
  auto read = ParseJson(json.Dump());
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value(), json);
  EXPECT_EQ(read.value().Dump(), json.Dump());
}

// Texts are written eight bytes at a time: every byte that cannot stand as it is, at every place of the eight.
TEST(JsonTest, TextsAreEscapedWhereverTheyNeedIt) {
  for (size_t before = 0; before < 17; ++before) {
    for (int c = 0; c < 0x80; ++c) {
      const std::string text = std::string(before, 'x') + static_cast<char>(c) + "\xC3\xA9 and more";
      const std::string dump = Json(text).Dump();
      for (char written : dump) EXPECT_GE(static_cast<unsigned char>(written), 0x20) << before << " " << c;
      EXPECT_EQ(dump.size(), text.size() + 2 + (c == '"' || c == '\\' || c == '\b' || c == '\f' || c == '\n' ||
                                                c == '\r' || c == '\t' ? 1u : c < 0x20 ? 5u : 0u)) << dump;
      EXPECT_EQ(ParseJson(dump).value().Text(), text) << before << " " << c;
    }
  }
  EXPECT_EQ(Json("\x1F\n\"\\\x7F").Dump(), "\"\\u001f\\n\\\"\\\\\x7F\"");
}

TEST(JsonTest, ReadingNeverFails) {
  Json json = {{"text", "x"}, {"number", 7}, {"large", std::numeric_limits<uint64_t>::max()}, {"part", 1.5}};
  EXPECT_EQ(json["number"].Text(), "");
  EXPECT_EQ(json["text"].Integer(3), 3);
  EXPECT_EQ(json["large"].Integer(3), 3) << "out of range of the result";
  EXPECT_EQ(json["part"].Integer(3), 3);
  EXPECT_EQ(json["number"].Number(), 7.0);
  EXPECT_EQ(Json(-1).Unsigned(3), 3u);
  EXPECT_TRUE(json["no"]["such"].At(5)["member"].is_null());
  EXPECT_TRUE(json["text"].Items().empty());
  EXPECT_TRUE(json["text"].Members().empty());
  EXPECT_EQ(json["text"].TextOr("y"), "x");
  EXPECT_EQ(json["number"].TextOr("y"), "y");
}

TEST(JsonTest, WhatIsNotFiniteIsNull) {
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).Dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).Dump(), "null");
}

TEST(JsonTest, MalformedTextIsReplacedInTheOutput) { EXPECT_EQ(Json("a\xFF").Dump(), "\"a\xEF\xBF\xBD\""); }

TEST(JsonTest, TheLastOfTwoMembersCounts) {
  EXPECT_EQ(ParseJson(R"({"a":1,"b":2,"a":3})").value().Dump(), R"({"a":3,"b":2})");
  std::string many = "{";
  for (int i = 0; i < 100'000; ++i) many += "\"k" + std::to_string(i % 50'000) + "\":" + std::to_string(i) + ",";
  many.back() = '}';
  Json json = ParseJson(many).value();
  EXPECT_EQ(json.size(), 50'000u);
  EXPECT_EQ(json.Members().front().second.Integer(), 50'000);
}

TEST(JsonTest, HostileNestingIsAnError) {
  auto deep = ParseJson(Nested(1'000'000));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().context, "nested deeper than 100");
  EXPECT_FALSE(ParseJson(Nested(101)));
  auto allowed = ParseJson(Nested(100));
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed.value().Dump(), Nested(100));
  std::string objects;
  for (int i = 0; i < 200; ++i) objects += "{\"a\":";
  EXPECT_FALSE(ParseJson(objects));
}

TEST(JsonTest, SizeAndNumberOfValuesAreBounded) {
  EXPECT_EQ(ParseJson("[1,2,3]", {.max_bytes = 6}).error().context, "JSON of 7 bytes, the limit is 6");
  EXPECT_EQ(ParseJson("[1,2,3]", {.max_values = 3}).error().context, "more values than 3");
  EXPECT_TRUE(ParseJson("[1,2,3]", {.max_values = 4}));
}

TEST(JsonTest, WhatIsNotOneDocumentIsAnErrorThatSaysWhere) {
  EXPECT_EQ(ParseJson("[1,").error().context, "not JSON at byte 4");
  EXPECT_EQ(ParseJson("{\n\"a\": oops\n}").error().context, "not JSON at byte 8, line 2");
  EXPECT_FALSE(ParseJson(""));
  EXPECT_FALSE(ParseJson("1 2"));
  EXPECT_FALSE(ParseJson("\"\xFF\""));
  EXPECT_EQ(ParseJsonObject("[]", "lane report").error().context, "lane report: expected an object, found a list");
  EXPECT_EQ(ParseJsonObject("x", "lane report").error().context, "lane report: not JSON at byte 1");
}

TEST(JsonTest, EqualByValue) {
  EXPECT_EQ(Json(1), Json(1u));
  EXPECT_EQ(Json(1), Json(1.0));
  EXPECT_FALSE(Json(-1) == Json(std::numeric_limits<uint64_t>::max()));
  EXPECT_EQ((Json{{"a", 1}, {"b", 2}}), (Json{{"b", 2}, {"a", 1}}));
  EXPECT_FALSE((Json{{"a", 1}}) == (Json{{"a", 1}, {"b", 2}}));
}

TEST(JsonTest, AbsentIsNull) {
  EXPECT_TRUE(OrNull(std::optional<double>()).is_null());
  EXPECT_EQ(OrNull(std::optional<int>(3)), Json(3));
  EXPECT_TRUE(OrNull("").is_null());
}

}  // namespace
}  // namespace passnet
