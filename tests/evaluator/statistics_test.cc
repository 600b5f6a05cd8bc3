#include "evaluator/timing/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace passnet::evaluator {
namespace {

TEST(StatisticsTest, InterquartileMeanIsDeafToAQuarterOnEitherSide) {
  EXPECT_DOUBLE_EQ(InterquartileMean({7}), 7);
  EXPECT_DOUBLE_EQ(InterquartileMean({1, 2, 6}), 3);
  EXPECT_DOUBLE_EQ(InterquartileMean({1e9, 2, 4, -1e9}), 3);
  EXPECT_DOUBLE_EQ(InterquartileMean({3, 1e9, 1, 2, -1e9, 4}), 2.5);
}

TEST(StatisticsTest, MedianOfEvenAndOdd) {
  EXPECT_DOUBLE_EQ(Median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(Median({4, 1, 2, 3}), 2.5);
}

TEST(SpeedUpTest, IsTheGeometricMeanOverRounds) {
  auto speed_up = EstimateSpeedUp({{10, 10, 5}, {20, 20, 5}});
  ASSERT_TRUE(speed_up.has_value());
  EXPECT_NEAR(speed_up->ratio, std::sqrt(2.0 * 4.0), 1e-9);
  EXPECT_NEAR(speed_up->eager_us, std::sqrt(200.0), 1e-9);
  EXPECT_NEAR(speed_up->contender_us, 5, 1e-9);
  EXPECT_NEAR(speed_up->control, 1, 1e-9);
}

TEST(SpeedUpTest, EagerIsBothEagerProcesses) {
  auto speed_up = EstimateSpeedUp({{11, 10 / 1.1, 5}, {11, 10 / 1.1, 5}});
  EXPECT_NEAR(speed_up->ratio, 2, 1e-9);
  EXPECT_NEAR(speed_up->control, 1.21, 1e-9);
}

TEST(SpeedUpTest, TooFewRoundsOrNoTimeGiveNothing) {
  EXPECT_FALSE(EstimateSpeedUp({{1, 1, 1}}).has_value());
  EXPECT_FALSE(EstimateSpeedUp({{1, 1, 1}, {1, 0, 1}}).has_value());
}

// Processes whose own speeds scatter: the stated interval holds the truth about as often as it says.
TEST(SpeedUpTest, IntervalCoversTheTruth) {
  std::mt19937 random(7);
  for (int rounds : {2, 3, 6}) {
    int covered = 0;
    constexpr int kTrials = 2000;
    for (int trial = 0; trial < kTrials; ++trial) {
      std::normal_distribution<double> scatter(0, 0.03);
      std::vector<RoundTimes> times;
      for (int i = 0; i < rounds; ++i) {
        times.push_back({10 * std::exp(scatter(random)), 10 * std::exp(scatter(random)), 5 * std::exp(scatter(random))});
      }
      auto speed_up = EstimateSpeedUp(times);
      covered += std::abs(std::log(speed_up->ratio / 2)) <= speed_up->half_width;
    }
    EXPECT_GT(covered, kTrials * 93 / 100) << rounds;
  }
}

TEST(SpeedUpTest, ScatterOfTheContenderAloneWidensTheInterval) {
  auto quiet = EstimateSpeedUp({{10, 10, 5}, {10, 10, 5}, {10, 10, 5}});
  auto wild = EstimateSpeedUp({{10, 10, 5}, {10, 10, 7}, {10, 10, 4}});
  EXPECT_GT(wild->half_width, 20 * quiet->half_width);
}

}  // namespace
}  // namespace passnet::evaluator
