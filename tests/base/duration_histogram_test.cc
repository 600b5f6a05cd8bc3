#include "base/duration_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(DurationHistogramTest, BoundsHoldAllSpansUpToThem) {
  DurationHistogram histogram({Millis(1), Millis(10)});
  for (int64_t span_ms : {0, 1, 2, 10, 11}) histogram.Add(Millis(span_ms));
  const auto counts = histogram.Read();
  EXPECT_THAT(counts.at_most, ElementsAre(Pair(Nanos(Millis(1)), 2), Pair(Nanos(Millis(10)), 4)));
  EXPECT_EQ(counts.all, 5);
  EXPECT_EQ(counts.sum, Millis(24));
}

TEST(DurationHistogramTest, NothingMeasuredIsZeroEverywhere) {
  const auto counts = DurationHistogram({Millis(1)}).Read();
  EXPECT_THAT(counts.at_most, ElementsAre(Pair(Nanos(Millis(1)), 0)));
  EXPECT_EQ(counts.all, 0);
}

}  // namespace
}  // namespace passnet
