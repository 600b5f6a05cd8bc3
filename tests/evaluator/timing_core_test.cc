#include "evaluator/lane/timing_core.h"

#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>

#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

class TimingCoreTest : public testing::Test {
 protected:
  TimingCore Open(int core) { return TimingCore::Open(core, folder_.path()).value(); }
  static Deadline AtOnce() { return Deadline::After(std::chrono::milliseconds(0)); }

  const fakes::TempFolder folder_{"core"};
};

TEST_F(TimingCoreTest, IsHeldByOneAtATime) {
  TimingCore ours = Open(1), theirs = Open(1), another = Open(2);
  {
    auto hold = ours.Take(AtOnce(), {});
    ASSERT_TRUE(hold);
    auto refused = theirs.Take(AtOnce(), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kDeadlineExceeded);
    EXPECT_TRUE(another.Take(AtOnce(), {}));
  }
  EXPECT_TRUE(theirs.Take(AtOnce(), {}));
}

TEST_F(TimingCoreTest, HoldsNest) {
  TimingCore ours = Open(1), theirs = Open(1);
  auto outer = ours.Take(AtOnce(), {});
  { auto inner = ours.Take(AtOnce(), {}); }
  EXPECT_FALSE(theirs.Take(AtOnce(), {}));
}

TEST_F(TimingCoreTest, TellsHowLongItWasHeld) {
  TimingCore ours = Open(1);
  EXPECT_EQ(ours.Held().count(), 0);
  std::chrono::nanoseconds inside{0};
  {
    auto outer = ours.Take(AtOnce(), {});
    { auto inner = ours.Take(AtOnce(), {}); }
    inside = ours.Held();
    EXPECT_GT(inside.count(), 0);
  }
  const auto after = ours.Held();
  EXPECT_GE(after, inside);
  EXPECT_EQ(ours.Held(), after) << "nobody holds it";
}

TEST_F(TimingCoreTest, WaitingEndsWhenCancelled) {
  TimingCore ours = Open(1), theirs = Open(1);
  auto hold = ours.Take(AtOnce(), {});
  int asked = 0;
  auto refused = theirs.Take(Deadline::Never(), [&] { return ++asked == 3; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCancelled);
}

TEST_F(TimingCoreTest, IsFreeOnceItsHolderIsKilled) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t holder = fork();
  if (holder == 0) {
    TimingCore theirs = Open(1);
    auto hold = theirs.Take(AtOnce(), {});
    (void)!write(ready[1], "x", 1);
    pause();
    _exit(hold ? 0 : 1);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  TimingCore ours = Open(1);
  EXPECT_FALSE(ours.Take(AtOnce(), {}));
  kill(holder, SIGKILL);
  waitpid(holder, nullptr, 0);
  EXPECT_TRUE(ours.Take(AtOnce(), {}));
  close(ready[0]);
  close(ready[1]);
}

}  // namespace
}  // namespace passnet::evaluator
