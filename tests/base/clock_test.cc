#include "base/clock.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace passnet {
namespace {

TEST(DeadlineTest, PollMillisRoundsUpAndEndsAtZero) {
  fakes::FakeClock clock;
  Deadline deadline = Deadline::After(std::chrono::microseconds(1500), clock);
  EXPECT_EQ(deadline.PollMillis(clock), 2);
  clock.Advance(std::chrono::milliseconds(2));
  EXPECT_EQ(deadline.PollMillis(clock), 0);
  EXPECT_TRUE(deadline.Passed(clock));
  EXPECT_EQ(Deadline::Never().PollMillis(clock), -1);
}

TEST(ClockTest, UtcIsRfc3339) {
  EXPECT_EQ(FormatUtc(1'000'000LL * 86400 + 123), "1970-01-02T00:00:00.000123Z");
}

}  // namespace
}  // namespace passnet
