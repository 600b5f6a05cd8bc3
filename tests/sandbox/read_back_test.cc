// What /proc says of processes that live, end and have ended.
#include "sandbox/read_back.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace passnet::sandbox {
namespace {

TEST(ReadBackTest, LivingProcessIsToldAndDoesNotEnd) {
  EXPECT_FALSE(Ending(::getpid()));
  auto found = ReadBack(::getpid());
  ASSERT_TRUE(found) << found.error().context;
  EXPECT_TRUE(found.value().own_namespaces.empty());
  EXPECT_GE(found.value().threads, 1);
}

// Between its last instruction and its reaping a process has a status, and no namespaces any more.
TEST(ReadBackTest, ProcessWithoutNamespacesIsEnding) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(0);
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(ReadBack(child));
  EXPECT_TRUE(Ending(child));
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(ReadBack(child));
  EXPECT_TRUE(Ending(child)) << "it is gone";
}

TEST(ReadBackTest, StoppedProcessDoesNotEnd) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::raise(SIGSTOP);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, WUNTRACED), child);
  ASSERT_TRUE(WIFSTOPPED(status));
  EXPECT_FALSE(Ending(child));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
}

}  // namespace
}  // namespace passnet::sandbox
