#include "agent/campaign/wall_watch.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/fakes/virtual_time.h"

namespace passnet::agent {
namespace {

using std::chrono::hours;

class WallWatchTest : public ::testing::Test {
 protected:
  static void RethrowIt(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  }
  void Watch(int64_t until_utc_us) {
    boost::asio::co_spawn(loop_, WatchWall(until_utc_us, over_, &time_, &clock_, cancel_.get_token()),
                          [this](std::exception_ptr thrown) {
                            RethrowIt(thrown);
                            ended_ = true;
                          });
  }

  boost::asio::io_context loop_;
  fakes::FakeClock clock_;
  fakes::VirtualTime time_{&clock_};
  std::stop_source over_;
  std::stop_source cancel_;
  bool ended_ = false;
};

TEST_F(WallWatchTest, TellsAtTheMoment) {
  const SteadyTime begin = clock_.Now();
  Watch(clock_.UtcMicros() + 3 * int64_t{3'600'000'000});
  time_.Run(loop_);
  EXPECT_TRUE(over_.stop_requested());
  EXPECT_EQ(clock_.Now() - begin, hours(3));
  EXPECT_TRUE(ended_);
}

TEST_F(WallWatchTest, TellsAtOnceWhenTheMomentHasPassed) {
  Watch(clock_.UtcMicros() - 1);
  loop_.run();
  EXPECT_TRUE(over_.stop_requested());
  EXPECT_TRUE(ended_);
}

TEST_F(WallWatchTest, TellsNothingWhenItIsCancelled) {
  Watch(clock_.UtcMicros() + 3'600'000'000);
  loop_.poll();
  cancel_.request_stop();
  loop_.restart();
  loop_.poll();
  EXPECT_FALSE(over_.stop_requested());
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace passnet::agent
