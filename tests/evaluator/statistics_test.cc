#include "evaluator/timing/statistics.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

TEST(StatisticsTest, MedianOfEvenAndOdd) {
  EXPECT_DOUBLE_EQ(Median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(Median({4, 1, 2, 3}), 2.5);
}

TEST(StatisticsTest, RelativeIqrIsUpstreamsFluctuation) {
  EXPECT_DOUBLE_EQ(RelativeIqr({1, 1, 1, 1, 1}), 0);
  EXPECT_DOUBLE_EQ(RelativeIqr({1, 2, 3, 4, 5}), 2.0 / 3.0);
}

TEST(StatisticsTest, RatioIgnoresOneDisturbedBlock) {
  std::vector<double> eager(20, 10.0), ours(20, 5.0);
  for (size_t i = 0; i < 20; ++i) eager[i] += 0.01 * static_cast<double>(i % 3);
  eager[7] = 500;
  auto estimate = EstimateRatio(eager, ours);
  ASSERT_TRUE(estimate.has_value());
  EXPECT_NEAR(estimate->ratio, 2.0, 0.01);
  EXPECT_LT(estimate->half_width, 0.01);
}

TEST(StatisticsTest, NoisyPairsHaveAWideInterval) {
  std::vector<double> eager, ours(40, 1.0);
  for (int i = 0; i < 40; ++i) eager.push_back(i % 2 == 0 ? 1.0 : 3.0);
  EXPECT_GT(EstimateRatio(eager, ours)->half_width, 0.1);
}

TEST(StatisticsTest, TooFewPairsGiveNothing) {
  EXPECT_FALSE(EstimateRatio({1.0}, {1.0}).has_value());
  EXPECT_FALSE(EstimateRatio({}, {}).has_value());
}

}  // namespace
}  // namespace passnet::evaluator
