#include "base/failpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

namespace passnet::failpoint {
namespace {

void TwoSteps() {
  PASSNET_FAILPOINT("test.first");
  PASSNET_FAILPOINT("test.second");
}

class FailpointTest : public testing::Test {
 protected:
  void TearDown() override { Arm(""); }
};

TEST_F(FailpointTest, NamesAreKnownWithoutTheirCodeHavingRun) {
  EXPECT_THAT(Names(), testing::IsSupersetOf({std::string_view("test.first"), std::string_view("test.second")}));
}

TEST_F(FailpointTest, UnarmedAndOtherwiseArmedPlacesDoNothing) {
  TwoSteps();
  Arm("test.third");
  TwoSteps();
}

TEST_F(FailpointTest, ArmedPlaceKillsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Arm("test.second");
        TwoSteps();
      },
      testing::KilledBySignal(SIGKILL), "failpoint test.second");
}

TEST_F(FailpointTest, CountChoosesTheHit) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Arm("test.first:3");
        TwoSteps();
        TwoSteps();
        std::fputs("two passed;", stderr);
        TwoSteps();
      },
      testing::KilledBySignal(SIGKILL), "two passed;.*failpoint test.first");
}

}  // namespace
}  // namespace passnet::failpoint
