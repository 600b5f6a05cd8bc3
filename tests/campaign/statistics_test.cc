// Every figure worked out by hand.
#include "agent/campaign/statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace passnet::agent {
namespace {

using ::testing::ElementsAre;

TEST(PassAtKTest, CountsTheDrawsWithoutASuccess) {
  // Of C(5,2) = 10 pairs, C(3,2) = 3 hold none of the 2 successes.
  EXPECT_DOUBLE_EQ(PassAtK(5, 2, 2), 0.7);
  EXPECT_DOUBLE_EQ(PassAtK(5, 2, 1), 0.4);
  EXPECT_DOUBLE_EQ(PassAtK(5, 0, 3), 0);
  EXPECT_DOUBLE_EQ(PassAtK(5, 5, 1), 1);
  EXPECT_DOUBLE_EQ(PassAtK(4, 2, 3), 1);  // no three of four miss both
}

TEST(PassAtKTest, NothingOverflowsWithAThousandSamples) {
  // 1 - C(999,500)/C(1000,500) = 1 - 500/1000.
  EXPECT_NEAR(PassAtK(1000, 1, 500), 0.5, 1e-12);
}

TEST(BestAtKTest, IsTheMeanOfTheMaximaOfAllSubsets) {
  EXPECT_DOUBLE_EQ(BestAtK({3, 1, 2}, 1), 2);
  EXPECT_DOUBLE_EQ(BestAtK({3, 1, 2}, 2), 8.0 / 3);  // {1,2} {1,3} {2,3}: 2, 3, 3
  EXPECT_DOUBLE_EQ(BestAtK({3, 1, 2}, 3), 3);
  EXPECT_DOUBLE_EQ(BestAtK({1, 1, 5, 1}, 2), 3);     // half of the six pairs hold the 5
  EXPECT_DOUBLE_EQ(BestAtK({7}, 1), 7);
}

TEST(BestAtKTest, WorthlessSampleCountsOnlyWhereItIsTheBest) {
  EXPECT_DOUBLE_EQ(BestAtK({-INFINITY, 2}, 2), 2);
  EXPECT_EQ(BestAtK({-INFINITY, 2}, 1), -INFINITY);
}

TEST(StepsOfKTest, DoublesUpToTheSamples) {
  EXPECT_THAT(StepsOfK(1), ElementsAre(1));
  EXPECT_THAT(StepsOfK(8), ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(StepsOfK(6), ElementsAre(1, 2, 4, 6));
}

TEST(MeanOverTasksTest, WeighsAndTakesTheScaleBack) {
  auto linear = MeanOverTasks({{1, 1}, {0, 3}}, Scale::kLinear);
  ASSERT_TRUE(linear);
  EXPECT_DOUBLE_EQ(linear->value, 0.25);
  // One graph at 8x and two at 1x: the cube root of 8.
  auto log = MeanOverTasks({{std::log(8), 1}, {0, 2}}, Scale::kLog);
  ASSERT_TRUE(log);
  EXPECT_DOUBLE_EQ(log->value, 2);
}

TEST(MeanOverTasksTest, TwoTasksHaveTheIntervalBetweenThem) {
  // A quarter of the draws takes the first twice, a quarter the second twice: both lie beyond 2.5 %.
  auto interval = MeanOverTasks({{0, 1}, {1, 1}}, Scale::kLinear);
  ASSERT_TRUE(interval && interval->low && interval->high);
  EXPECT_DOUBLE_EQ(interval->value, 0.5);
  EXPECT_DOUBLE_EQ(*interval->low, 0);
  EXPECT_DOUBLE_EQ(*interval->high, 1);
}

TEST(MeanOverTasksTest, IntervalShrinksAsTheMeanOfManyDoes) {
  // 400 tasks, half solved: the standard error is 0.5/20 = 0.025, so the interval is 0.5 -+ 0.049.
  std::vector<Cluster> tasks;
  for (int i = 0; i < 400; ++i) tasks.push_back({static_cast<double>(i % 2), 1});
  auto interval = MeanOverTasks(tasks, Scale::kLinear);
  ASSERT_TRUE(interval && interval->low && interval->high);
  EXPECT_NEAR(*interval->low, 0.451, 0.006);
  EXPECT_NEAR(*interval->high, 0.549, 0.006);
}

TEST(MeanOverTasksTest, EqualTasksHaveNoWidthAndOneTaskNoInterval) {
  auto equal = MeanOverTasks({{2, 1}, {2, 1}, {2, 1}}, Scale::kLinear);
  EXPECT_DOUBLE_EQ(*equal->low, 2);
  EXPECT_DOUBLE_EQ(*equal->high, 2);
  EXPECT_FALSE(MeanOverTasks({{2, 1}}, Scale::kLinear)->low);
  EXPECT_FALSE(MeanOverTasks({}, Scale::kLinear));
  EXPECT_FALSE(MeanOverTasks({{0, 0}, {0, 0}}, Scale::kLog));
}

TEST(MeanOverTasksTest, SameDataHasTheSameInterval) {
  std::vector<Cluster> tasks{{1, 1}, {2, 3}, {-1, 2}, {0.5, 1}};
  auto once = MeanOverTasks(tasks, Scale::kLog);
  auto again = MeanOverTasks(tasks, Scale::kLog);
  EXPECT_EQ(*once->low, *again->low);
  EXPECT_EQ(*once->high, *again->high);
}

TEST(HalfWidthOfMeanTest, IsNearlyTwoStandardErrors) {
  // Deviations -1, 0, 1: variance 1, standard error 1/sqrt(3).
  EXPECT_DOUBLE_EQ(HalfWidthOfMean({1, 2, 3}), 1.96 / std::sqrt(3));
  EXPECT_EQ(HalfWidthOfMean({5}), 0);
  EXPECT_EQ(HalfWidthOfMean({5, -INFINITY}), 0);
}

}  // namespace
}  // namespace passnet::agent
