#include "agent/health/breaker.h"

#include <gtest/gtest.h>

#include "tests/fakes/fake_clock.h"

namespace passnet::agent {
namespace {

using std::chrono::seconds;

class BreakerTest : public testing::Test {
 protected:
  void Fail(const std::string& reason) { breaker_.Failed(breaker_.Begin(), {reason}); }
  void Open() {
    for (int i = 0; i < 3; ++i) Fail("refused");
  }

  fakes::FakeClock clock_;
  Breaker breaker_{{}, &clock_};
};

TEST_F(BreakerTest, OneOrTwoFailuresAreWeather) {
  Fail("refused");
  Fail("refused");
  EXPECT_FALSE(breaker_.open());
  breaker_.Succeeded(breaker_.Begin());
  Fail("refused");
  Fail("refused");
  EXPECT_TRUE(breaker_.MayTry()) << "a success in between begins the count anew";
}

TEST_F(BreakerTest, OpensAndSaysWhyAndUntilWhen) {
  const int64_t now = clock_.UtcMicros();
  Open();
  EXPECT_FALSE(breaker_.MayTry());
  auto outage = breaker_.outage("endpoint http://x");
  ASSERT_TRUE(outage);
  EXPECT_EQ(outage->what, "endpoint http://x");
  EXPECT_EQ(outage->reason, "refused");
  EXPECT_EQ(outage->since_utc_us, now);
  EXPECT_EQ(outage->next_try_utc_us, now + 1'000'000);
}

TEST_F(BreakerTest, LetsOneTryThroughAtATimeEverMoreSeldom) {
  Open();
  int64_t waited_s = 0;
  for (int64_t wait_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
    clock_.Advance(seconds(wait_s) - Nanos(1));
    EXPECT_FALSE(breaker_.MayTry()) << waited_s << " s after it opened";
    clock_.Advance(Nanos(1));
    ASSERT_TRUE(breaker_.MayTry());
    waited_s += wait_s;
    const uint64_t probe = breaker_.Begin();
    EXPECT_FALSE(breaker_.MayTry()) << "a second try beside the first";
    breaker_.Failed(probe, {"still refused"});
  }
}

TEST_F(BreakerTest, OneSuccessCloses) {
  Open();
  clock_.Advance(seconds(1));
  breaker_.Succeeded(breaker_.Begin());
  EXPECT_TRUE(breaker_.MayTry());
  EXPECT_FALSE(breaker_.outage("x"));
  Open();
  EXPECT_EQ(breaker_.outage("x")->next_try_utc_us, clock_.UtcMicros() + 1'000'000) << "the waits begin anew";
}

TEST_F(BreakerTest, OldTriesDoNotMoveTheNextOne) {
  const uint64_t old = breaker_.Begin();
  Open();
  const int64_t next = breaker_.outage("x")->next_try_utc_us;
  breaker_.Failed(old, {"cut"});
  EXPECT_EQ(breaker_.outage("x")->next_try_utc_us, next);
  clock_.Advance(seconds(1));
  const uint64_t probe = breaker_.Begin();
  breaker_.Failed(old, {"cut"});
  EXPECT_FALSE(breaker_.MayTry()) << "the try that was let through is still on its way";
  breaker_.Abandoned(probe);
  EXPECT_TRUE(breaker_.MayTry()) << "a cancelled try leaves its place to another";
}

TEST_F(BreakerTest, TakesTheWaitThatItIsTold) {
  breaker_.Failed(breaker_.Begin(), {"401: no such key", seconds(300), true});
  clock_.Advance(seconds(299));
  EXPECT_FALSE(breaker_.MayTry());
  clock_.Advance(seconds(1));
  EXPECT_TRUE(breaker_.MayTry());
}

}  // namespace
}  // namespace passnet::agent
