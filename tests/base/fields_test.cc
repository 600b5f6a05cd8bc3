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
  EXPECT_EQ(ToString(FieldsFromJson("[1", Visit(&read))), "not a JSON object");
}

TEST(FieldsTest, HugeIntegerIsOutOfRange) {
  Sample read;
  EXPECT_NE(ToString(FieldsFromJson(R"({"limits":{"count":18446744073709551615}})", Visit(&read))), "");
}

}  // namespace
}  // namespace passnet
