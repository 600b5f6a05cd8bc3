#include "agent/campaign/park_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <string>
#include <vector>

#include "tests/fakes/virtual_time.h"

namespace passnet::agent {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class FakePart : public SharedPart {
 public:
  explicit FakePart(const Clock* clock) : clock_(clock) {}
  std::optional<Outage> outage() const override { return outage_; }
  Event& changed() override { return changed_; }

  void Break() {
    outage_ = Outage{"endpoint x", "refused", clock_->UtcMicros(), clock_->UtcMicros() + 1'000'000};
    changed_.NotifyAll();
  }
  void Mend(bool tell = true) {
    outage_.reset();
    if (tell) changed_.NotifyAll();
  }

 private:
  const Clock* const clock_;
  std::optional<Outage> outage_;
  Event changed_;
};

class ParkWatchTest : public ::testing::Test {
 protected:
  using Script = std::function<Task<void>(ParkWatchTest*)>;

  // The script beside the watch; then the watch is stopped.
  void Run(const Script& script) {
    auto tell = [this](std::optional<Outage> outage) { return Tell(std::move(outage)); };
    ParkWatch watch({&part_, &other_}, {}, &time_, &clock_, tell);
    std::stop_source stop;
    boost::asio::io_context loop;
    boost::asio::co_spawn(loop, Watch(&watch, stop.get_token()), Rethrow);
    boost::asio::co_spawn(loop, script(this), Rethrow);
    time_.Run(loop);
    stop.request_stop();
    time_.Run(loop);
    EXPECT_TRUE(ended_);
  }
  static void Rethrow(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  }
  Task<void> Watch(ParkWatch* watch, std::stop_token stop) {
    Status watched = co_await watch->Run(stop);
    ended_ = bool(watched);
  }
  Task<Status> Tell(std::optional<Outage> outage) {
    const auto at = std::chrono::duration_cast<seconds>(clock_.Now() - begin_).count();
    told_.push_back((outage ? "parked " : "running ") + std::to_string(at));
    co_return OkStatus();
  }
  Task<void> Sleep(int64_t span_s) {
    std::stop_token never;
    Deadline until = Deadline::After(seconds(span_s), clock_);
    co_await time_.SleepUntil(until, never);
  }

  fakes::FakeClock clock_;
  const SteadyTime begin_ = clock_.Now();
  fakes::VirtualTime time_{&clock_};
  FakePart part_{&clock_};
  FakePart other_{&clock_};
  std::vector<std::string> told_;
  bool ended_ = false;

  static Task<void> Short(ParkWatchTest* test);
  static Task<void> Long(ParkWatchTest* test);
  static Task<void> Unsaid(ParkWatchTest* test);
  static Task<void> Flapping(ParkWatchTest* test);
  static Task<void> Both(ParkWatchTest* test);
};

Task<void> ParkWatchTest::Short(ParkWatchTest* test) {
  test->part_.Break();
  co_await test->Sleep(9);
  test->part_.Mend();
  co_await test->Sleep(60);
}

TEST_F(ParkWatchTest, ShortOutageIsNotTold) {
  Run(Short);
  EXPECT_THAT(told_, ElementsAre());
}

Task<void> ParkWatchTest::Long(ParkWatchTest* test) {
  co_await test->Sleep(100);
  test->part_.Break();
  co_await test->Sleep(900);
  test->part_.Mend();
  co_await test->Sleep(60);
}

TEST_F(ParkWatchTest, LastingOneIsToldWithItsEndAndAgainNowAndThen) {
  Run(Long);
  EXPECT_THAT(told_, ElementsAre("parked 110", "parked 710", "running 1005"));
}

Task<void> ParkWatchTest::Unsaid(ParkWatchTest* test) {
  test->part_.Break();
  co_await test->Sleep(30);
  test->part_.Mend(false);
  co_await test->Sleep(60);
}

// A server's silence is over when its time has come, without an event.
TEST_F(ParkWatchTest, EndThatNobodyTellsIsSeen) {
  Run(Unsaid);
  ASSERT_THAT(told_, SizeIs(2));
  EXPECT_EQ(told_[0], "parked 10");
  EXPECT_TRUE(told_[1].starts_with("running 3")) << told_[1];
}

Task<void> ParkWatchTest::Flapping(ParkWatchTest* test) {
  for (int i = 0; i < 100; ++i) {
    test->part_.Break();
    co_await test->Sleep(4);
    test->part_.Mend();
    co_await test->Sleep(1);
  }
  for (int i = 0; i < 100; ++i) {
    test->part_.Break();
    co_await test->Sleep(15);
    test->part_.Mend();
    co_await test->Sleep(1);
  }
}

TEST_F(ParkWatchTest, FlappingPartDoesNotFillTheJournal) {
  Run(Flapping);
  EXPECT_THAT(told_, SizeIs(::testing::Le(5u)));
  EXPECT_EQ(told_.front(), "parked 510") << "the first hundred were all short";
}

Task<void> ParkWatchTest::Both(ParkWatchTest* test) {
  test->part_.Break();
  co_await test->Sleep(20);
  test->other_.Break();
  test->part_.Mend();
  co_await test->Sleep(20);
  test->other_.Mend();
  co_await test->Sleep(20);
}

TEST_F(ParkWatchTest, ParkedUntilTheLastPartWorks) {
  Run(Both);
  EXPECT_THAT(told_, ElementsAre("parked 10", "running 45"));
}

}  // namespace
}  // namespace passnet::agent
