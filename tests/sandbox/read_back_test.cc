// What /proc says of processes that live, end and have ended.
#include "sandbox/read_back.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/fakes/lost_first_thread.h"

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

// It would never say that it has ended: whoever waits for that waits for ever.
TEST(ReadBackTest, ProcessWithoutItsFirstThreadIsTakenForOneThatEnds) {
  int told[2];
  ASSERT_EQ(::pipe(told), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    fakes::LoseFirstThread([](void* to) { (void)!::write(*static_cast<int*>(to), "x", 1); }, &told[1]);
  }
  char byte;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  EXPECT_TRUE(Ending(child));
  EXPECT_FALSE(ReadBack(child)) << "its namespaces are gone with its first thread";
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it lives";
  ::kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
  for (const int end : told) ::close(end);
}

}  // namespace
}  // namespace passnet::sandbox
