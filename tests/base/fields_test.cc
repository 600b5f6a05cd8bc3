#include "base/fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet {
namespace {

using ::testing::UnorderedElementsAre;

enum class Colour { kRed, kBlue };
const char* ColourName(Colour colour) { return colour == Colour::kRed ? "red" : "blue"; }

struct Sample {
  std::string name = "a";
  int64_t count = 3;
  std::optional<double> share;
  Colour colour = Colour::kRed;
  std::vector<std::string> tags;
};

VisitFn Visit(Sample* sample) {
  return [sample](FieldVisitor& fields) {
    fields.Text("name", &sample->name);
    fields.Enter("limits");
    fields.Integer("count", &sample->count, 1, 10);
    fields.Number("share", &sample->share, 0, 1);
    fields.Leave();
    VisitEnum(fields, "colour", &sample->colour, Colour::kBlue, ColourName);
    fields.Texts("tags", &sample->tags);
  };
}

TEST(FieldsTest, WrittenAndReadAgain) {
  Sample sample{"b", 7, 0.25, Colour::kBlue, {"x", "y"}};
  std::string json = FieldsToJson(Visit(&sample));
  EXPECT_EQ(json, R"({"name":"b","limits":{"count":7,"share":0.25},"colour":"blue","tags":["x","y"]})");
  Sample read;
  EXPECT_EQ(ToString(FieldsFromJson(json, Visit(&read))), "");
  EXPECT_EQ(FieldsToJson(Visit(&read)), json);
}

TEST(FieldsTest, AbsentKeepsTheDefault) {
  Sample read;
  EXPECT_EQ(ToString(FieldsFromJson("{}", Visit(&read))), "");
  EXPECT_EQ(read.count, 3);
  EXPECT_FALSE(read.share);
}

TEST(FieldsTest, EveryProblemIsReported) {
  Sample read;
  auto problems = FieldsFromJson(
      R"({"name":1,"limits":{"count":11,"share":2,"extra":0},"colour":"green","tags":["x",1],"more":{}})",
      Visit(&read));
  std::vector<std::string> keys;
  for (const auto& problem : problems) keys.push_back(problem.key);
  EXPECT_THAT(keys, UnorderedElementsAre("name", "limits.count", "limits.share", "limits.extra", "colour", "tags",
                                         "more"));
}

TEST(FieldsTest, NotAnObjectIsOneProblem) {
  Sample read;
  EXPECT_EQ(ToString(FieldsFromJson("[1", Visit(&read))), "not JSON at byte 3");
  EXPECT_EQ(ToString(FieldsFromJson("[1]", Visit(&read))), "expected an object, found a list");
}

TEST(FieldsTest, HugeIntegerIsOutOfRange) {
  Sample read;
  EXPECT_NE(ToString(FieldsFromJson(R"({"limits":{"count":18446744073709551615}})", Visit(&read))), "");
}

struct Part {
  std::string name;
  int count = 0;
};

struct Whole {
  std::vector<Part> parts;
  std::map<std::string, std::string> facts;
  std::map<std::string, double> times;
  std::vector<int64_t> sizes;
  std::optional<int64_t> limit;
  std::chrono::milliseconds wait{0};
  Json rest;
};

VisitFn Visit(Whole* whole) {
  return [whole](FieldVisitor& fields) {
    VisitSchema(fields, "test.whole/1");
    VisitList(fields, "parts", &whole->parts, [](FieldVisitor& item, Part& part) {
      item.Required("name");
      item.Text("name", &part.name);
      VisitInteger(item, "count", &part.count, 0, 9);
    });
    fields.TextMap("facts", &whole->facts);
    fields.NumberMap("times", &whole->times);
    fields.Integers("sizes", &whole->sizes, 0, 100);
    fields.Integer("limit", &whole->limit, 0, 5);
    VisitInteger(fields, "wait_ms", &whole->wait, 0, 1000);
    fields.Any("rest", &whole->rest);
  };
}

TEST(FieldsTest, ListsMapsAndSchemasAreWrittenAndReadAgain) {
  Whole whole{{{"a", 1}, {"b", 2}}, {{"k", "v"}}, {{"t", 0.5}}, {1, 2}, 3, std::chrono::milliseconds(20), Json{1, 2}};
  std::string json = FieldsToJson(Visit(&whole));
  EXPECT_EQ(json,
            R"({"schema":"test.whole/1","parts":[{"name":"a","count":1},{"name":"b","count":2}],"facts":{"k":"v"},)"
            R"("times":{"t":0.5},"sizes":[1,2],"limit":3,"wait_ms":20,"rest":[1,2]})");
  Whole read;
  EXPECT_EQ(ToString(FieldsFromJson(json, Visit(&read))), "");
  EXPECT_EQ(FieldsToJson(Visit(&read)), json);
}

TEST(FieldsTest, EachProblemNamesItsPath) {
  Whole read;
  auto problems = FieldsFromJson(
      R"({"schema":"test.part/1","parts":[{"name":"a","count":1},{"count":10,"more":1}],"facts":{"k":1},"times":[],)"
      R"("sizes":[1,"x"],"limit":6,"wait_ms":2.5})",
      Visit(&read));
  EXPECT_EQ(ToString(problems),
            "schema: \"test.part/1\" is none of test.whole/1; parts[1].name: is missing; "
            "parts[1].count: out of range 0..9: 10; parts[1].more: unknown key; facts: expected a text at k, found an "
            "integer; times: expected an object of numbers, found a list; sizes: expected a list of integers, found "
            "a text; limit: out of range 0..5: 6; wait_ms: expected an integer, found a number");
  EXPECT_FALSE(read.limit) << "what has a problem keeps its value";
}

// A frame of 16 MiB holds two million elements that lack everything: naming each cost more memory than the frame's limit
// was meant to allow.
TEST(FieldsTest, MillionsOfProblemsAreCountedAndNotKept) {
  Json elements = Json::MakeArray();
  for (int i = 0; i < 5000; ++i) elements.Push(Json::MakeObject());
  const Json list = {{"list", elements}};
  std::vector<Sample> samples;
  FieldReader fields(list, UnknownKeys::kIgnored);
  VisitList(fields, "list", &samples, [](FieldVisitor& item, Sample& sample) {
    item.Required("name");
    item.Text("name", &sample.name);
  });
  EXPECT_EQ(fields.Check("frame").error().context,
            "frame: list[0].name: is missing; list[1].name: is missing; list[2].name: is missing; and 4997 more");
  EXPECT_EQ(fields.Finish().size(), 1000u);
}

// What has a problem keeps its value, whether the problem was kept or not.
TEST(FieldsTest, ProblemsBeyondTheKeptOnesKeepTheirValuesToo) {
  Json object = {{"share", 7}};
  for (int i = 0; i < 2000; ++i) object.Set("k" + std::to_string(i), 5);
  FieldReader fields(object, UnknownKeys::kIgnored);
  std::string text = "default";
  for (int i = 0; i < 2000; ++i) fields.Text("k" + std::to_string(i), &text);
  std::optional<double> share = 0.5;
  fields.Number("share", &share, 0, 1);
  EXPECT_EQ(share, 0.5);
  EXPECT_EQ(text, "default");
}

TEST(FieldsTest, TypedGettersTellTheFirstProblems) {
  Json json = ParseJson(R"({"errno":"x","pid":3,"new":1})").value();
  FieldReader fields(json, UnknownKeys::kIgnored);
  int64_t err = 0;
  int64_t pid = 0;
  fields.Integer("errno", &err, 0, 4096);
  fields.Integer("pid", &pid, 1, 1 << 22);
  EXPECT_EQ(fields.Check("worker's answer").error().context, "worker's answer: errno: expected an integer, found a text");
  EXPECT_EQ(pid, 3);
}

struct Named {
  std::string name;
  int64_t count = 0;
};

VisitFn VisitNamed(std::vector<Named>* values) {
  return [values](FieldVisitor& fields) {
    std::vector<std::string> names;
    for (const Named& value : *values) names.push_back(value.name);
    auto resize = [&](const std::vector<std::string>& found) {
      values->clear();
      for (const std::string& name : found) values->push_back({name, 0});
    };
    fields.Sections("parts", names, resize, [&](size_t i) { fields.Integer("count", &(*values)[i].count, 1, 9); });
  };
}

TEST(FieldsTest, SectionsWhoseKeysAreDataComeAndGo) {
  std::vector<Named> values = {{"b", 2}, {"a", 1}};
  const std::string text = R"({"parts":{"b":{"count":2},"a":{"count":1}}})";
  EXPECT_EQ(FieldsToJson(VisitNamed(&values)), text);
  std::vector<Named> read = {{"old", 5}};
  EXPECT_TRUE(FieldsFromJson(text, VisitNamed(&read)).empty());
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].name, "b");
  EXPECT_EQ(read[1].count, 1);
  EXPECT_TRUE(FieldsFromJson("{}", VisitNamed(&read)).empty());
  EXPECT_EQ(read.size(), 2u) << "what is absent keeps its value";
}

TEST(FieldsTest, ProblemsOfNamedSectionsHaveTheirNames) {
  std::vector<Named> values;
  const std::vector<FieldProblem> expected = {{"parts.a.count", "out of range 1..9: 10"}, {"parts.b.more", "unknown key"}};
  EXPECT_EQ(FieldsFromJson(R"({"parts":{"a":{"count":10},"b":{"more":1}}})", VisitNamed(&values)), expected);
  const std::vector<FieldProblem> flat = {{"parts", "expected a section at a, found an integer"}};
  EXPECT_EQ(FieldsFromJson(R"({"parts":{"a":1}})", VisitNamed(&values)), flat);
}

}  // namespace
}  // namespace passnet
