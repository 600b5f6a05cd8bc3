#include "sandbox/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

using testing::Contains;
using testing::HasSubstr;

class ChildTest : public JailTest {
 protected:
  static ChildSpec SpecOf(const std::string& name, const std::vector<std::string>& arguments = {}) {
    ChildSpec spec;
    spec.argv = {TestcaseFolder() + "/" + name};
    spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
    spec.root = SystemRoot();
    spec.root.read_only.push_back(TestcaseFolder());
    return spec;
  }
  static Result<std::unique_ptr<Child>> Start(const ChildSpec& spec) {
    return Child::Start(spec, Deadline::After(std::chrono::seconds(30)));
  }
};

std::string ReadAll(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(got));
  return text;
}

TEST_F(ChildTest, ProgramHasTheGivenDescriptorsAtTheirNumbers) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ChildSpec spec = SpecOf("list_descriptors");
  spec.descriptors = {{writer.get(), 1}, {writer.get(), 17}, {reader.get(), 5}};
  Result<std::unique_ptr<Child>> child = Start(spec);
  ASSERT_TRUE(child.has_value()) << child.error().context;
  writer.Reset();
  EXPECT_EQ(ReadAll(reader.get()), "0 1 2 5 17 ");
  EXPECT_TRUE((*child)->Wait(Deadline::After(std::chrono::seconds(20)))->Ok());
}

TEST_F(ChildTest, LayersAreReadBack) {
  Result<std::unique_ptr<Child>> child = Start(SpecOf("sleep_for_ever"));
  ASSERT_TRUE(child.has_value()) << child.error().context;
  EXPECT_THAT((*child)->layers(), Contains("namespaces: user,mount,pid,net,ipc,uts"));
  EXPECT_THAT((*child)->layers(), Contains("seccomp: 1 filter"));
  EXPECT_EQ(PidOf((*child)->pidfd()).value(), (*child)->pid());
}

TEST_F(ChildTest, DestructorKillsTheWholeTree) {
  Result<std::unique_ptr<Child>> child = Start(SpecOf("fork_bomb", {"allowed"}));
  ASSERT_TRUE(child.has_value()) << child.error().context;
  child = Start(SpecOf("undying_daemon", {"stay"}));
  ASSERT_TRUE(child.has_value()) << child.error().context;
  EXPECT_FALSE(Survivors().empty());
}  // the fixture looks after the destructor

// As when an evaluator is killed with its zygote and candidates below it.
TEST_F(ChildTest, TreeDiesWithTheProcessThatStartedIt) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t starter = fork();
  if (starter == 0) {
    ChildSpec spec = SpecOf("undying_daemon", {"stay"});
    spec.descriptors = {{writer.get(), 1}};
    const Result<std::unique_ptr<Child>> child = Start(spec);
    if (child.has_error()) _exit(1);  // and the reader below sees the end of the pipe
    for (;;) pause();
  }
  writer.Reset();
  char said[5] = {};
  EXPECT_EQ(read(reader.get(), said, 4), 4) << "the jailed program never started";
  EXPECT_STREQ(said, "left");
  EXPECT_EQ(Survivors().size(), 2u) << "the jailed program and its daemon";
  kill(starter, SIGKILL);
  waitpid(starter, nullptr, 0);
  const Deadline patience = Deadline::After(std::chrono::seconds(1));
  while (!Survivors().empty() && !patience.Passed()) usleep(1000);
  EXPECT_TRUE(Survivors().empty()) << "a second after its starter";
}

TEST_F(ChildTest, WaitLeavesARunningChildAlone) {
  Result<std::unique_ptr<Child>> child = Start(SpecOf("sleep_for_ever"));
  ASSERT_TRUE(child.has_value()) << child.error().context;
  EXPECT_EQ((*child)->Wait(Deadline::After(Nanos(0))).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ((*child)->Kill().signal, SIGKILL);
  EXPECT_EQ((*child)->Kill().signal, SIGKILL);  // idempotent
}

TEST_F(ChildTest, MissingProgramNamesStepAndFix) {
  const Result<std::unique_ptr<Child>> child = Start(SpecOf("no_such_program"));
  ASSERT_TRUE(child.has_error());
  EXPECT_THAT(child.error().context, HasSubstr("execve"));
}

TEST_F(ChildTest, DescriptorNumberOfTheControlChannelIsRefused) {
  ChildSpec spec = SpecOf("echo");
  spec.descriptors = {{1, 250}};
  EXPECT_EQ(Start(spec).error().code, ErrorCode::kInvalidArgument);
}

// A folder that only root may enter on the host is bound all the same, and nothing else of it shows.
TEST_F(ChildTest, BindBelowAClosedFolderWorks) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to bind what the jail's user may not reach";
  char folder[] = "/var/tmp/passnet-closed-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);  // mode 0700
  std::ofstream(std::string(folder) + "/shown") << "x";
  std::ofstream(std::string(folder) + "/hidden") << "x";
  RunSpec spec = SpecFor("touch_files", {"allowed", std::string(folder) + "/shown"});
  spec.root.read_only.push_back(std::string(folder) + "/shown");
  EXPECT_TRUE(MustRun(spec).outcome.Ok());
  spec.argv = {spec.argv[0], "read", std::string(folder) + "/hidden"};
  EXPECT_TRUE(MustRun(spec).outcome.Ok());
  std::filesystem::remove_all(folder);
}

// A folder that anybody may write to on the host, seen by a jail maker with CAP_SYS_ADMIN of its own namespace.
TEST_F(ChildTest, JailMakerCannotUnlockItsReadOnlyBinds) {
  char folder[] = "/var/tmp/passnet-open-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  ASSERT_EQ(chmod(folder, 0777), 0);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  ChildSpec spec = SpecOf("unlock_mounts", {folder});
  spec.root.read_only.push_back(folder);
  spec.descriptors = {{writer.get(), 1}};
  Result<std::unique_ptr<Child>> child = Start(spec);
  ASSERT_TRUE(child.has_value()) << child.error().context;
  writer.Reset();
  const std::string text = ReadAll(reader.get());
  EXPECT_TRUE((*child)->Wait(Deadline::After(std::chrono::seconds(20)))->Ok()) << text;
  EXPECT_THAT(text, HasSubstr("umount refused: Invalid argument"));
  EXPECT_THAT(text, HasSubstr("remount refused: Operation not permitted"));
  EXPECT_THAT(text, HasSubstr("write refused: Read-only file system"));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
  child = Start(SpecOf("unlock_mounts", {"allowed"}));
  ASSERT_TRUE(child.has_value()) << child.error().context;
  EXPECT_TRUE((*child)->Wait(Deadline::After(std::chrono::seconds(20)))->Ok());
}

}  // namespace
}  // namespace passnet::sandbox
