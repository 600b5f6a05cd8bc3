#include "evaluator/device/quiet.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

using std::chrono::microseconds;

TEST(QuietTest, NothingIsLateBeforeSomethingWasLearnt) {
  EXPECT_FALSE(Quiet(microseconds(300)).IsLate(std::chrono::hours(1)));
}

TEST(QuietTest, LateIsBeyondTwiceTheUsualAndTheSlack) {
  Quiet quiet{microseconds(300)};
  EXPECT_TRUE(quiet.Learn({microseconds(60), microseconds(5000), microseconds(50)}));
  EXPECT_FALSE(quiet.IsLate(microseconds(420))) << "one that was disturbed while it was learnt changes nothing";
  EXPECT_TRUE(quiet.IsLate(microseconds(421)));
  EXPECT_TRUE(quiet.Learn({microseconds(400)}));
  EXPECT_FALSE(quiet.IsLate(microseconds(1100)));
}

TEST(QuietTest, BusyDeviceTeachesNothing) {
  Quiet quiet{microseconds(300)};
  ASSERT_TRUE(quiet.Learn({microseconds(60)}));
  ASSERT_TRUE(quiet.Learn({microseconds(420)}));
  EXPECT_FALSE(quiet.Learn({microseconds(421)})) << "held against the best, or it would creep up";
  EXPECT_TRUE(quiet.IsLate(microseconds(1141)));
}

TEST(QuietTest, FewLateOnesAreTheHosts) {
  LateCount count;
  EXPECT_TRUE(count.Quiet()) << "nothing was asked";
  for (int i = 0; i < 10; ++i) count.Add(i < 2);
  EXPECT_TRUE(count.Quiet());
  count.Add(true);
  EXPECT_FALSE(count.Quiet());
}

}  // namespace
}  // namespace passnet::evaluator
