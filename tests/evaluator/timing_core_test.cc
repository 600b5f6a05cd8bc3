#include "evaluator/lane/timing_core.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <csignal>

#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

namespace fs = std::filesystem;

class TimingCoreTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* core : {"cpu1", "cpu2"}) fs::create_directories(folder_ / "cores" / core);
  }
  TimingCore::Places PlacesOf(const std::string& user) const { return {folder_ / user, folder_ / "cores"}; }
  TimingCore Open(int core, const std::string& user = "ours") { return TimingCore::Open(core, PlacesOf(user)).value(); }
  // Of an attempt that must be refused at once.
  Error Refusal() const {
    auto core = TimingCore::Open(1, PlacesOf("ours"));
    return core ? Internal("it was opened") : core.error();
  }
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

// They share nothing but the core's folder, which is root's on a real host.
TEST_F(TimingCoreTest, UsersExcludeEachOther) {
  TimingCore ours = Open(1), theirs = Open(1, "theirs"), another = Open(2, "theirs");
  {
    auto hold = ours.Take(AtOnce(), {});
    EXPECT_FALSE(theirs.Take(AtOnce(), {}));
    EXPECT_TRUE(another.Take(AtOnce(), {}));
  }
  // An attempt that came half way has let go of the half.
  TimingCore again = Open(1, "theirs");
  EXPECT_TRUE(again.Take(AtOnce(), {}));
}

TEST_F(TimingCoreTest, HostWithoutCoreFoldersHasTheFile) {
  TimingCore ours = Open(7), theirs = Open(7);
  auto hold = ours.Take(AtOnce(), {});
  EXPECT_TRUE(hold);
  EXPECT_FALSE(theirs.Take(AtOnce(), {}));
}

TEST_F(TimingCoreTest, HostsPlacesWork) {
  auto core = TimingCore::Open(0);
  ASSERT_TRUE(core) << core.error().context;
  struct stat info {};
  ASSERT_EQ(stat(TimingCore::Places::Host().folder.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

// What anybody may put into a folder of everybody: nothing of it is followed, waited for or locked.
TEST_F(TimingCoreTest, PlantedFilesAreRefusedWithoutWaiting) {
  const std::string lock = folder_ / "ours/timing-core-1.lock";
  (void)Open(1);
  fs::remove(lock);
  ASSERT_EQ(mkfifo(lock.c_str(), 0600), 0);
  EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied) << Refusal().context;
  EXPECT_NE(Refusal().context.find("timing-core-1.lock must be a plain file"), std::string::npos);
  fs::remove(lock);
  fs::create_symlink(folder_ / "elsewhere", lock);
  EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied);
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere"));
  fs::remove(lock);
  fs::create_directory(lock);
  EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied);
  fs::remove(lock);
  EXPECT_TRUE(TimingCore::Open(1, PlacesOf("ours")));
}

TEST_F(TimingCoreTest, FolderOfOthersIsRefused) {
  (void)Open(1);
  fs::permissions(folder_ / "ours", fs::perms(0755));
  EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied);
  EXPECT_NE(Refusal().context.find("must be a folder (mode 0700)"), std::string::npos) << Refusal().context;
  fs::remove_all(folder_ / "ours");
  fs::create_directory(folder_ / "real");
  fs::permissions(folder_ / "real", fs::perms(0700));
  fs::create_directory_symlink(folder_ / "real", folder_ / "ours");
  EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied);
  fs::remove(folder_ / "ours");
  if (geteuid() == 0) {
    fs::create_directory(folder_ / "ours");
    fs::permissions(folder_ / "ours", fs::perms(0700));
    ASSERT_EQ(chown((folder_ / "ours").c_str(), 54321, 54321), 0);
    EXPECT_EQ(Refusal().code, ErrorCode::kPermissionDenied);
    fs::remove(folder_ / "ours");
  }
  EXPECT_TRUE(TimingCore::Open(1, PlacesOf("ours")));
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
