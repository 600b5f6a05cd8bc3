#include "agent/campaign/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace passnet::agent {
namespace {

using ::testing::HasSubstr;

Json ScoredTask(const std::string& name, double score, double noise, int solved = 1) {
  return {{"task", name}, {"hash", "h-" + name}, {"graphs", 1},    {"scored", 1},
          {"solved", solved}, {"score", score},  {"noise", noise}};
}

Json Report(const std::string& name, std::vector<Json> tasks) {
  return {{"schema", "passnet.campaign_report/1"},
          {"campaign_id", "c-" + name},
          {"name", name},
          {"model", "m"},
          {"device", "cpu"},
          {"profile", "passbench"},
          {"time_cap_ms", 0},
          {"call_path", "dynamo"},
          {"matching", "upstream"},
          {"p", 0.0},
          {"b", 0.1},
          {"environment", {{"cpu", "one"}, {"torch", "2"}}},
          {"by_task", tasks}};
}

std::string Refusal(const Json& a, const Json& b, bool force = false) {
  auto comparison = CompareReports(a, b, force);
  return comparison ? "" : comparison.error().context;
}

TEST(CompareTest, PairsByTaskWhateverTheOrder) {
  const Json a = Report("a", {ScoredTask("x", 1, 0.02), ScoredTask("y", 2, 0.02), ScoredTask("z", 1, 0.02, 0)});
  const Json b = Report("b", {ScoredTask("z", 1.01, 0.02, 1), ScoredTask("y", 1, 0.02), ScoredTask("x", 8, 0.02)});
  auto comparison = CompareReports(a, b, false);
  ASSERT_TRUE(comparison) << comparison.error().context;
  const Json& json = comparison.value();
  EXPECT_EQ(json["n_compared"], 3);
  EXPECT_EQ(json["wins"], 1);
  EXPECT_EQ(json["losses"], 1);
  EXPECT_EQ(json["ties"], 1) << "1 % lies within sqrt(2) x 2 %";
  // The cube root of 8 x 1/2 x 1.01.
  EXPECT_NEAR(json["aggregated_score"]["ratio"]["value"].Number(), std::cbrt(8 * 0.5 * 1.01), 1e-9);
  EXPECT_NEAR(json["aggregated_score"]["a"]["value"].Number(), std::cbrt(2), 1e-9);
  EXPECT_LT(json["aggregated_score"]["ratio"]["low"].Number(), 1);
  EXPECT_GT(json["aggregated_score"]["ratio"]["high"].Number(), 1);
  EXPECT_NEAR(json["solved"]["difference"]["value"].Number(), 1.0 / 3, 1e-9);
  EXPECT_EQ(json["tasks"].At(0)["task"], "x");
  EXPECT_EQ(json["tasks"].At(0)["result"], "win");
}

TEST(CompareTest, SameReportTiesEverywhere) {
  const Json a = Report("a", {ScoredTask("x", 1, 0.0), ScoredTask("y", 0.0, 0.0)});
  auto comparison = CompareReports(a, a, false);
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison.value()["ties"], 2);
  EXPECT_NEAR(comparison.value()["aggregated_score"]["ratio"]["value"].Number(), 1, 1e-12);
}

TEST(CompareTest, OtherWaysOfMeasuringAreRefusedEvenByForce) {
  const Json a = Report("a", {ScoredTask("x", 1, 0)});
  for (const auto& [key, value] : std::vector<std::pair<std::string, Json>>{{"profile", "quick"},
                                                                           {"call_path", "direct"},
                                                                           {"matching", "normalised"},
                                                                           {"device", "cuda:0"},
                                                                           {"time_cap_ms", 400},
                                                                           {"p", 1.0},
                                                                           {"b", 0.2}}) {
    Json b = a;
    b.Set(key, value);
    EXPECT_THAT(Refusal(a, b, true), HasSubstr(key + " is ")) << key;
  }
}

TEST(CompareTest, OtherTasksAndHostsNeedForceAndAreNamed) {
  const Json a = Report("a", {ScoredTask("x", 1, 0), ScoredTask("y", 1, 0), ScoredTask("only", 1, 0)});
  Json changed = ScoredTask("y", 2, 0);
  changed.Set("hash", "other");
  Json b = Report("b", {ScoredTask("x", 2, 0), changed});
  b.Set("environment", {{"cpu", "two"}, {"torch", "2"}});
  const std::string refusal = Refusal(a, b);
  EXPECT_THAT(refusal, HasSubstr("environment cpu is one in A and two in B"));
  EXPECT_THAT(refusal, HasSubstr("task only is not in B"));
  EXPECT_THAT(refusal, HasSubstr("task y has other files in B"));
  EXPECT_THAT(refusal, HasSubstr("--force"));
  auto comparison = CompareReports(a, b, true);
  ASSERT_TRUE(comparison) << comparison.error().context;
  EXPECT_EQ(comparison.value()["n_compared"], 1);
  EXPECT_EQ(comparison.value()["forced"].size(), 3u);
}

// Each later sample of such a campaign had seen the best folder of those before: its mean was told beside a mean of first
// tries without a word.
TEST(CompareTest, OtherRestartNeedsForceAndIsNamed) {
  const Json a = Report("a", {ScoredTask("x", 1, 0)});
  Json fresh = a, best = a;
  fresh.Set("restart", "fresh");
  best.Set("restart", "best");
  EXPECT_EQ(Refusal(a, fresh), "") << "a report from before there was such a setting";
  EXPECT_THAT(Refusal(fresh, best), HasSubstr("restart is fresh in A and best in B"));
  EXPECT_THAT(Refusal(best, a), HasSubstr("restart is best in A and fresh in B"));
  auto comparison = CompareReports(fresh, best, true);
  ASSERT_TRUE(comparison) << comparison.error().context;
  EXPECT_EQ(comparison.value()["forced"].At(0), "restart is fresh in A and best in B");
  EXPECT_EQ(comparison.value()["b"]["restart"], "best");
}

TEST(CompareTest, TasksThatAreNotScoredInBothAreCountedBeside) {
  Json unscored = ScoredTask("y", 1, 0);
  unscored.Set("score", nullptr);
  auto comparison =
      CompareReports(Report("a", {ScoredTask("x", 1, 0), ScoredTask("y", 1, 0)}), Report("b", {ScoredTask("x", 1, 0), unscored}), false);
  ASSERT_TRUE(comparison);
  EXPECT_EQ(comparison.value()["n_compared"], 1);
  EXPECT_EQ(comparison.value()["n_unscored"], 1);
  EXPECT_THAT(Refusal(Report("a", {unscored}), Report("b", {unscored})), HasSubstr("nothing to compare"));
}

TEST(CompareTest, WhatIsNoReportIsRefused) {
  const Json a = Report("a", {ScoredTask("x", 1, 0)});
  EXPECT_THAT(Refusal(Json({{"schema", "passnet.campaign/1"}}), a), HasSubstr("A is no passnet.campaign_report/1"));
  EXPECT_THAT(Refusal(a, Json(7)), HasSubstr("B is no"));
}

}  // namespace
}  // namespace passnet::agent
