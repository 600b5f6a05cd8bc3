#include "passbench/score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "base/json.h"
#include "passbench/score_cases.h"
#include "tests/fakes/shared_data.h"

namespace passnet::passbench {
namespace {

constexpr size_t kMaxOracleBytes = 16u << 20;

double AggregatedOf(const std::vector<GraphResult>& graphs, ScoreOptions options = {}) {
  return Score(graphs, options).value().aggregated.value();
}

std::vector<int> From(int t) {
  std::vector<int> levels;
  for (; t <= kMaxT; ++t) levels.push_back(t);
  return levels;
}

Json Oracle() {
  return ParseJson(ReadFile(fakes::SharedData("es_oracle.json"), kMaxOracleBytes).value()).value();
}

TEST(ToleranceTest, Float32AtMinusFiveIsTorchsDefault) {
  auto tolerance = ToleranceAt("float32", -5);
  ASSERT_TRUE(tolerance.has_value());
  EXPECT_DOUBLE_EQ(tolerance->rtol, 1.3e-6);
  EXPECT_DOUBLE_EQ(tolerance->atol, 1e-5);
  EXPECT_EQ(CorrectnessKey("float32", -5), "[all_close_atol_1.00E-05_rtol_1.30E-06]");
}

TEST(ToleranceTest, IntegersAreComparedForEquality) {
  EXPECT_FALSE(ToleranceAt("int64", 0).has_value());
  EXPECT_EQ(CorrectnessKey("bool", 3), "[equal]");
}

TEST(ToleranceTest, SetIgnoresLevelsOutside) {
  ToleranceSet set = ToleranceSet::Of({-11, -10, 5, 6});
  EXPECT_EQ(set.Levels(), (std::vector<int>{-10, 5}));
  EXPECT_FALSE(set.Has(6));
}

TEST(ToleranceTest, EveryToleranceAndKeyIsTheOracles) {
  PASSNET_NEEDS_SHARED_DATA("es_oracle.json");
  const Json oracle = Oracle();
  for (const auto& [dtype, levels] : oracle["effective_tolerances"].Members()) {
    for (const auto& [t, expected] : levels.Members()) {
      auto found = ToleranceAt(dtype, std::stoi(t));
      ASSERT_TRUE(found.has_value()) << dtype;
      EXPECT_EQ(found->rtol, expected["rtol"].Number()) << dtype << " at " << t;
      EXPECT_EQ(found->atol, expected["atol"].Number()) << dtype << " at " << t;
    }
  }
  for (const auto& [dtype, levels] : oracle["log_keys"].Members()) {
    for (const auto& [t, key] : levels.Members()) EXPECT_EQ(CorrectnessKey(dtype, std::stoi(t)), key.Text());
  }
  for (const auto& [t, weight] : oracle["weights"].Members()) {
    EXPECT_DOUBLE_EQ(AggregationWeight(std::stoi(t)), weight.Number());
  }
}

// The anchors of docs/passbench.md, section 8.
TEST(ScoreTest, AnchorsOfTheDesign) {
  EXPECT_NEAR(AggregatedOf({RanWith(From(-5), 1.7)}), 1.69596, 1e-5);
  EXPECT_NEAR(AggregatedOf({RanWith(From(-5), 1.0)}), 0.99807, 1e-5);
  EXPECT_NEAR(AggregatedOf({RanWith({}, 1.7)}), 0.147207, 1e-6);
  EXPECT_NEAR(AggregatedOf({FailedWith(GraphStatus::kEagerFail)}), 0.1, 1e-12);
  EXPECT_NEAR(AggregatedOf({FailedWith(GraphStatus::kTypeMismatch)}), 0.110706, 1e-6);
}

TEST(ScoreTest, EveryCaseOfTheOracleAgrees) {
  PASSNET_NEEDS_SHARED_DATA("es_oracle.json");
  const auto path = fakes::SharedData("es_oracle.json");
  auto outcomes = CheckScoreCases(ReadFile(path, kMaxOracleBytes).value(), path.native());
  ASSERT_TRUE(outcomes.has_value()) << outcomes.error().context;
  EXPECT_EQ(outcomes->size(), 130u);
  for (const CaseOutcome& outcome : *outcomes) {
    EXPECT_TRUE(outcome.differences.empty()) << outcome.name << ": " << testing::PrintToString(outcome.differences);
  }
}

TEST(ScoreTest, DifferingFigureIsNamed) {
  constexpr std::string_view kCases = R"({"cases":[{"name":"one","p":0,"b":0.1,"interpretation":"default",
    "graphs":[{"status":"eager_fail"}],"expect":{"S":{},"ES":{"-5":0.2},"AS":0.1}}]})";
  auto outcomes = CheckScoreCases(kCases, "f.json");
  ASSERT_TRUE(outcomes.has_value());
  const std::string all = testing::PrintToString(outcomes->front().differences);
  EXPECT_NE(all.find("ES(-5): 0.2"), std::string::npos) << all;
}

TEST(ScoreTest, MalformedCaseNamesFileAndCase) {
  auto missing = CheckScoreCases(R"({"cases":[{"name":"one","p":0}]})", "f.json");
  ASSERT_TRUE(missing.has_error());
  EXPECT_NE(missing.error().context.find("f.json: case one: "), std::string::npos) << missing.error().context;
  EXPECT_TRUE(CheckScoreCases("[1", "f.json").has_error());
  for (const char* wrong : {R"({"status":7})", R"({"status":"correct","dtype":["float32"],"equal":[true],"allclose":{"x":[true]}})",
                            R"({"status":"correct","dtype":["float32"],"equal":[],"allclose":{}})"}) {
    const std::string text = R"({"cases":[{"name":"one","p":0,"b":0.1,"interpretation":"default","expect":{},"graphs":[)";
    EXPECT_TRUE(CheckScoreCases(text + wrong + "]}]}", "f.json").has_error()) << wrong;
  }
}

TEST(ScoreTest, CasesNestedWithoutEndAreAnError) {
  auto nested = CheckScoreCases("{\"cases\":" + std::string(1000000, '['), "f.json");
  ASSERT_TRUE(nested.has_error());
  EXPECT_NE(nested.error().context.find("f.json: "), std::string::npos) << nested.error().context;
}

TEST(ScoreTest, CorrectGraphWithoutSpeedupIsRefused) {
  auto scores = Score(std::vector<GraphResult>{{GraphStatus::kCorrect, ToleranceSet::All(), std::nullopt}}, {});
  ASSERT_TRUE(scores.has_error());
  EXPECT_NE(scores.error().context.find("graph 1 of 1"), std::string::npos);
}

TEST(ScoreTest, NoGraphAndParametersOutOfRangeAreRefused) {
  EXPECT_TRUE(Score({}, {}).has_error());
  const std::vector<GraphResult> one{RanWith(From(-5), 2)};
  EXPECT_TRUE(Score(one, {.p = -1}).has_error());
  EXPECT_TRUE(Score(one, {.b = 1.5}).has_error());
  const std::vector<GraphResult> nan{RanWith(From(-5), std::nan(""))};
  EXPECT_TRUE(Score(nan, {}).has_error());
}

TEST(ScoreTest, IntegerOutputsDecideByEquality) {
  std::vector<OutputVerdict> outputs{{"int64", false, ToleranceSet::All()}};
  EXPECT_EQ(CorrectAt(outputs), ToleranceSet());
  outputs[0].equal = true;
  EXPECT_EQ(CorrectAt(outputs), ToleranceSet::All());
}

}  // namespace
}  // namespace passnet::passbench
