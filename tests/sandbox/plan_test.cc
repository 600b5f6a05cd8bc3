// Plans as bytes: what is malformed is refused before anything happens. Nothing here changes the test's own process,
// apart from its umask.
#include "sandbox/plan.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <gmock/gmock.h>

#include "sandbox/apply/apply.h"
#include "sandbox/apply/reader.h"
#include "sandbox/captured_stream.h"
#include "sandbox/plan_writer.h"
#include "tests/fakes/temp_folder.h"

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

// The steps that mount something, as words in their order.
std::vector<std::string> MountSteps(const std::string& plan) {
  std::vector<std::string> said;
  Reader steps(plan.data() + sizeof(PlanHeader), plan.size() - sizeof(PlanHeader));
  while (steps.left() > 0) {
    StepHeader header;
    memcpy(&header, steps.Take(sizeof header), sizeof header);
    Reader payload(steps.Take((header.size + 7u) / 8 * 8), header.size);
    switch (static_cast<Step>(header.kind)) {
      case Step::kMount: {
        const uint64_t flags = payload.U64();
        const std::string source = payload.String();
        said.push_back((flags & MS_MOVE ? "move " : flags & MS_RDONLY ? "read-only " : "") + source + " to " + payload.String());
        break;
      }
      case Step::kBind: {
        const uint64_t attributes = payload.U64();
        const std::string source = payload.String();
        said.push_back("bind " + source + " to " + payload.String() + " attributes " + std::to_string(attributes));
        break;
      }
      case Step::kMountAttributes: {
        const uint64_t attributes = payload.U64();
        said.push_back(std::string("set ") + payload.String() + " attributes " + std::to_string(attributes));
        break;
      }
      default:
        break;
    }
  }
  return said;
}

TEST(PlanTest, ChildWithNothingBelowTmpGetsOneMountForIt) {
  TaskChildOptions options;
  options.bound = {"/usr", "/usr/bin"};
  const Result<std::string> plan = TaskChildPlan(options);
  if (!plan && plan.error().code == ErrorCode::kUnavailable) GTEST_SKIP() << plan.error().context;
  ASSERT_TRUE(plan) << plan.error().context;
  EXPECT_THAT(MountSteps(*plan), testing::ElementsAre("proc to /proc", "tmpfs to /tmp", "read-only tmpfs to /dev/shm"));
}

TEST(PlanTest, BoundFolderBelowTmpIsPutIntoTheChildsTmpReadOnly) {
  const fakes::TempFolder folder("plan");
  ASSERT_EQ(folder.path().native().rfind("/tmp/", 0), 0u) << "TMPDIR leads elsewhere";
  const std::string top = folder.path();
  std::filesystem::create_directories(folder / "checkout/.venv");
  CandidateOptions options;
  options.readable = {"/usr", top + "/checkout/.venv"};
  const Result<std::string> plan = CandidatePlan(options);
  if (!plan && plan.error().code == ErrorCode::kUnavailable) GTEST_SKIP() << plan.error().context;
  ASSERT_TRUE(plan) << plan.error().context;
  EXPECT_THAT(MountSteps(*plan),
              testing::ElementsAre("proc to /proc", "tmpfs to /dev/shm", "tmpfs to /dev/shm/tmp", "tmpfs to /dev/shm" + top,
                                   // 7: read-only, nosuid, nodev
                                   "bind " + top + "/checkout/.venv to /dev/shm" + top + "/checkout/.venv attributes 7",
                                   "set /dev/shm" + top + " attributes 1", "move /dev/shm/tmp to /tmp",
                                   "read-only tmpfs to /dev/shm"));
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
