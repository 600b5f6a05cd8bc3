// Memory limits by looking, on plain children of the test: no jail is needed for them.
#include "sandbox/memory_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/fakes/lost_first_thread.h"

namespace passnet::sandbox {
namespace {

constexpr uint64_t kMiB = 1ull << 20;

// A child that waits for a byte, holds `bytes` more memory, says so and waits again.
class Holder {
 public:
  Holder(uint64_t bytes, int kind) {
    EXPECT_EQ(pipe(start_), 0);
    EXPECT_EQ(pipe(holds_), 0);
    pid_ = fork();
    if (pid_ == 0) Hold(bytes, kind);
    // The child's end alone: whoever waits for a killed one sees that it has gone.
    close(holds_[1]);
    pidfd_.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  }
  ~Holder() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    for (int fd : {start_[0], start_[1], holds_[0]}) close(fd);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  pid_t pid() const { return pid_; }
  int pidfd() const { return pidfd_.get(); }
  void Start() { EXPECT_EQ(write(start_[1], "x", 1), 1); }
  void AwaitHolding() {
    char byte;
    EXPECT_EQ(read(holds_[0], &byte, 1), 1);
  }
  bool EndsWithin(int millis) const {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    return poll(&ended, 1, millis) == 1;
  }

 private:
  [[noreturn]] void Hold(uint64_t bytes, int kind) {
    char byte;
    if (read(start_[0], &byte, 1) != 1) _exit(1);
    // Filled by the kernel: a sanitizer's shadow of our own writes would count too.
    if (mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED) _exit(2);
    if (write(holds_[1], "x", 1) != 1) _exit(3);
    for (;;) pause();
  }

  int start_[2];
  int holds_[2];
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

TEST(MemoryWatchTest, HeldMemoryIsPrivateSharedSwappedAndPageTables) {
  EXPECT_EQ(HeldMemory("Name:\tx\nVmRSS:\t  99 kB\nRssAnon:\t      4 kB\nRssFile:\t 50 kB\nRssShmem:\t 10 kB\nVmPTE:\t 2 kB\n"
                       "VmSwap:\t       1 kB\n"),
            17 * 1024u);
  EXPECT_EQ(HeldMemory("Name:\tx\nState:\tZ (zombie)\n"), 0u);
}

TEST(MemoryWatchTest, ProcessBeyondItsLimitIsKilledAndOneWithinLives) {
  const std::shared_ptr<MemoryWatch> watch = MemoryWatch::Start({});
  for (int kind : {MAP_PRIVATE, MAP_SHARED}) {
    Holder within(16 * kMiB, kind), beyond(64 * kMiB, kind);
    const auto watched = WatchedMemory::Of(within.pid(), within.pidfd(), 32 * kMiB).value();
    const auto killed = WatchedMemory::Of(beyond.pid(), beyond.pidfd(), 32 * kMiB).value();
    watch->Add(watched);
    watch->Add(killed);
    within.Start();
    within.AwaitHolding();
    EXPECT_FALSE(beyond.EndsWithin(0));
    beyond.Start();
    EXPECT_TRUE(beyond.EndsWithin(10'000));
    EXPECT_TRUE(killed->killed());
    EXPECT_FALSE(within.EndsWithin(60));
    EXPECT_FALSE(watched->killed());
  }
}

// What a child was born with is its parent's, and shared memory that was given to it does not count.
TEST(MemoryWatchTest, WhatItWasBornWithAndWhatItWasGivenDoNotCount) {
  std::string inherited(64 * kMiB, 'x');
  Holder child(24 * kMiB, MAP_SHARED);
  const auto watched = WatchedMemory::Of(child.pid(), child.pidfd(), 16 * kMiB).value();
  watched->Look();
  EXPECT_FALSE(watched->killed());
  watched->Grant(16 * kMiB);
  child.Start();
  child.AwaitHolding();
  watched->Look();
  EXPECT_FALSE(watched->killed());
  const auto stricter = WatchedMemory::Of(child.pid(), child.pidfd(), 0).value();
  stricter->Look();
  EXPECT_FALSE(stricter->killed());
  EXPECT_EQ(inherited.back(), 'x');
}

TEST(MemoryWatchTest, OnlyALostFirstThreadIsOne) {
  EXPECT_TRUE(LostItsFirstThread("Name:\tx\nState:\tZ (zombie)\nTgid:\t7\nThreads:\t2\n"));
  EXPECT_FALSE(LostItsFirstThread("Name:\tx\nState:\tZ (zombie)\nTgid:\t7\nThreads:\t1\n")) << "it has ended";
  EXPECT_FALSE(LostItsFirstThread("Name:\tx\nState:\tS (sleeping)\nTgid:\t7\nThreads:\t9\n"));
  EXPECT_FALSE(LostItsFirstThread(""));
}

// The kernel tells no figure of it any more: it could hold what it liked.
TEST(MemoryWatchTest, ProcessWithoutItsFirstThreadIsEndedAndIsNoMatterOfMemory) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t child = fork();
  if (child == 0) {
    fakes::LoseFirstThread([](void* to) { (void)!write(*static_cast<int*>(to), "x", 1); }, &told[1]);
  }
  const UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  const auto watched = WatchedMemory::Of(child, pidfd.get(), kMiB).value();
  char byte;
  ASSERT_EQ(read(told[0], &byte, 1), 1);
  watched->Look();
  pollfd ended{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&ended, 1, 10'000), 1);
  EXPECT_FALSE(watched->killed());
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (const int end : told) close(end);
}

TEST(MemoryWatchTest, EndedProcessIsLeftAlone) {
  Holder child(kMiB, MAP_PRIVATE);
  const auto watched = WatchedMemory::Of(child.pid(), child.pidfd(), 0).value();
  kill(child.pid(), SIGKILL);
  ASSERT_TRUE(child.EndsWithin(10'000));
  watched->Look();
  EXPECT_FALSE(watched->killed());
}

}  // namespace
}  // namespace passnet::sandbox
