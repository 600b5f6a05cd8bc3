// The hostile programs again, all of them as an ordinary user: namespaces by the user's own right, no groups. This program
// starts itself once more, since a change of user is for good.
#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "tests/fakes/temp_folder.h"
#include "tests/sandbox/jail_fixture.h"

namespace passnet::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr uid_t kSomebody = 54321;
constexpr size_t kMaxLog = 1u << 20;

using OrdinaryUserTest = JailTest;

TEST_F(OrdinaryUserTest, EveryProbeIsStoppedForHimToo) {
  if (geteuid() != 0) GTEST_SKIP() << "already an ordinary user";
  // He may not be able to reach the build folder.
  const fakes::TempFolder folder("user");
  fs::permissions(folder.path(), fs::perms(0755));
  const std::string testcases = folder / "testcases", log = folder / "log";
  fs::create_directory(testcases);
  fs::permissions(testcases, fs::perms(0755));
  for (const fs::directory_entry& entry : fs::directory_iterator(TestcaseFolder())) {
    if (entry.is_regular_file()) fs::copy(entry.path(), testcases / entry.path().filename());
  }
  const pid_t child = fork();
  if (child == 0) {
    const int out = open(log.c_str(), O_WRONLY | O_CREAT, 0644);
    if (dup2(out, 1) < 0 || dup2(out, 2) < 0 || setgroups(0, nullptr) != 0) _exit(98);
    if (setresgid(kSomebody, kSomebody, kSomebody) != 0 || setresuid(kSomebody, kSomebody, kSomebody) != 0) _exit(99);
    setenv("PASSNET_TESTCASES", testcases.c_str(), 1);
    execl("/proc/self/exe", "sandbox_jail_test", "--gtest_filter=CandidateTest.*:*HostileRunTest*/Polling", nullptr);
    _exit(97);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  const Result<std::string> said = ReadFile(log, kMaxLog);
  ASSERT_TRUE(said.has_value()) << said.error().context;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << *said;
  EXPECT_NE(said->find("HostileRunTest"), std::string::npos) << "nothing ran";
}

}  // namespace
}  // namespace passnet::sandbox
