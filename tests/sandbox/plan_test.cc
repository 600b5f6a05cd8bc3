// Plans as bytes: what is malformed is refused before anything happens. Nothing here changes the test's own process,
// apart from its umask.
#include "sandbox/plan.h"

#include <errno.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "sandbox/apply/apply.h"
#include "sandbox/captured_stream.h"
#include "sandbox/plan_writer.h"

namespace passnet::sandbox {
namespace {

pn_apply_error ErrorOf(const std::string& plan) {
  pn_apply_error error{};
  EXPECT_EQ(pn_sandbox_apply(plan.data(), plan.size(), &error), -1);
  return error;
}

TEST(PlanTest, StepsAreAppliedInOrder) {
  const mode_t before = umask(0);
  const std::string plan = PlanWriter().FileMask(011).FileMask(027).Finish();
  EXPECT_EQ(pn_sandbox_apply(plan.data(), plan.size(), nullptr), 0);
  EXPECT_EQ(umask(before), 027u);
}

TEST(PlanTest, FailingStepIsNamedWithItsObjectAndErrno) {
  const pn_apply_error error = ErrorOf(PlanWriter().ChangeFolder("/no/such/folder").Finish());
  EXPECT_STREQ(error.step, "chdir");
  EXPECT_STREQ(error.what, "/no/such/folder");
  EXPECT_EQ(error.error_number, ENOENT);
}

TEST(PlanTest, EveryTruncationIsRefused) {
  const std::string plan = PlanWriter().ChangeFolder("/").FileMask(022).Finish();
  for (size_t size = 0; size < plan.size(); ++size) EXPECT_EQ(ErrorOf(plan.substr(0, size)).error_number, EPROTO) << size;
  EXPECT_EQ(ErrorOf(plan + "x").error_number, EPROTO);
}

TEST(PlanTest, UnknownStepAndForeignVersionAreRefused) {
  std::string plan = PlanWriter().FileMask(022).Finish();
  std::string unknown = plan;
  unknown[sizeof(PlanHeader)] = 99;
  EXPECT_EQ(ErrorOf(unknown).error_number, EPROTO);
  plan[4] = 77;
  EXPECT_STREQ(ErrorOf(plan).what, "header");
}

TEST(PlanTest, PayloadThatIsShorterThanItsStringIsRefused) {
  std::string plan = PlanWriter().ChangeFolder("/").Finish();
  plan[sizeof(PlanHeader) + sizeof(StepHeader)] = 100;  // the string's length
  EXPECT_EQ(ErrorOf(plan).error_number, EPROTO);
}

TEST(PlanTest, ListenerWithoutAWatcherIsRefused) {
  const pn_apply_error error = ErrorOf(PlanWriter().Seccomp(std::string(8, '\0'), true).Finish());
  EXPECT_STREQ(error.step, "seccomp");
  EXPECT_EQ(error.error_number, EINVAL);
}

TEST(StreamKeeperTest, KeepsHeadAndTailAndCountsTheRest) {
  StreamKeeper keeper(10);
  for (int i = 0; i < 26; ++i) keeper.Add(std::string(1, static_cast<char>('a' + i)));
  const CapturedStream stream = std::move(keeper).Finish();
  EXPECT_EQ(stream.head, "abcde");
  EXPECT_EQ(stream.tail, "vwxyz");
  EXPECT_EQ(stream.dropped_bytes, 16u);
  EXPECT_EQ(stream.Text(), "abcde\n[… 16 bytes left out …]\nvwxyz");
}

TEST(StreamKeeperTest, ShortStreamIsWhole) {
  StreamKeeper keeper(10);
  keeper.Add("abcdefgh");
  const CapturedStream stream = std::move(keeper).Finish();
  EXPECT_EQ(stream.Text(), "abcdefgh");
  EXPECT_EQ(stream.dropped_bytes, 0u);
}

}  // namespace
}  // namespace passnet::sandbox
