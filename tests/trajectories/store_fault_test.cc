// The store on a disk that fails.
#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/trajectories/fault_vfs.h"
#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

class StoreFaultTest : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    FaultVfs::Get();
    StoreOptions options = Options();
    options.vfs = FaultVfs::kName;
    options.on_fatal = [this](const Error&) { ++fatal_; };
    options.retry_wait = std::chrono::milliseconds(1);
    options.busy_ms = 1;
    OpenStore(options);
    Launch();
  }
  void TearDown() override {
    FaultVfs::Get().Heal();
    JournalTest::TearDown();
  }

  // An event with a reply that needs many pages.
  Batch LargeBatch() {
    Batch batch;
    EventDraft draft = Draft(EventKind::kLlmOutcome, "call-1", "accepted");
    std::string reply;
    for (uint64_t i = 0; i < 40'000; ++i) reply += static_cast<char>('a' + (i * i * 31 + i / 7) % 26);
    draft.refs.push_back({"reply", batch.AddBlob(reply).value()});
    EXPECT_TRUE(batch.Add(std::move(draft)));
    return batch;
  }

  // One event, again and again while another connection holds the lock, as the daemon's journal does.
  Result<Appended> AppendPastLocks() {
    for (;;) {
      auto appended = Append({Draft(EventKind::kPromptRendered)});
      if (appended || appended.error().code != ErrorCode::kUnavailable) return appended;
    }
  }

  // As a disk does that lost a write. Syncs still fail, so that the store looks at the file once more.
  void ChangeAnAcknowledgedRow() {
    for (bool changed = false; !changed;) {
      auto other = Database::Open({.path = path_, .read_only = false, .vfs = ""});
      changed = bool(other) && bool(other.value()->Execute("UPDATE events SET subject = 'silu' WHERE row_id = 2"));
    }
  }

  std::atomic<int> fatal_{0};
};

// Wherever the disk runs full within the transaction, nothing of the batch is there, and the same batch can be written
// once there is room.
TEST_F(StoreFaultTest, FullDiskLosesNothingAndTheBatchCanBeRetried) {
  Batch batch = LargeBatch();
  int refused = 0;
  for (int64_t writes = 0;; ++writes) {
    FaultVfs::Get().FullAfterWrites(writes);
    auto appended = store_->Append(batch);
    FaultVfs::Get().Heal();
    if (appended) break;
    ++refused;
    ASSERT_EQ(appended.error().code, ErrorCode::kResourceExhausted) << ToString(appended.error());
    EXPECT_THAT(appended.error().context, HasSubstr("free disk space"));
    ASSERT_EQ(OpenReader()->LastRowId().value(), 2);
    ASSERT_FALSE(VerifyAll().first);
    ASSERT_LT(writes, 1000);
  }
  EXPECT_GT(refused, 5);
  EXPECT_EQ(OpenReader()->LastRowId().value(), 3);
  EXPECT_FALSE(VerifyAll().first);
  EXPECT_EQ(fatal_, 0);
}

// A disk that turned read-only under open files: told while it lasts, and the append goes in once the disk takes it.
TEST_F(StoreFaultTest, ReadOnlyDiskIsWaitedOut) {
  Batch batch = LargeBatch();
  FaultVfs::Get().ReadOnly();
  auto appended = std::async(std::launch::async, [&] { return store_->Append(batch); });
  while (store_->Trouble().empty()) std::this_thread::yield();
  EXPECT_EQ(store_->LastRowId(), 2);
  FaultVfs::Get().Heal();
  EXPECT_TRUE(appended.get());
  EXPECT_EQ(store_->Trouble(), "");
  EXPECT_EQ(OpenReader()->LastRowId().value(), 3);
  EXPECT_FALSE(VerifyAll().first);
  EXPECT_EQ(fatal_, 0);
}

// Locked: nothing is written, the caller is told, and the same batch goes in once the lock is gone.
TEST_F(StoreFaultTest, LockOfAnotherConnectionIsToldAndTheBatchCanBeRetried) {
  auto other = Database::Open({.path = path_, .read_only = false, .vfs = ""});
  ASSERT_TRUE(other);
  ASSERT_TRUE(other.value()->Execute("BEGIN IMMEDIATE"));
  EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kUnavailable);
  ASSERT_TRUE(other.value()->Execute("ROLLBACK"));
  MustAppend({Draft(EventKind::kPromptRendered)});
  EXPECT_FALSE(VerifyAll().first);
}

// Whether the commit that could not be synced is found in the file (nobody else has it open) or not (a reader keeps
// SQLite's index of the log, which does not know it): it is written once.
TEST_F(StoreFaultTest, FailedFsyncIsWaitedOutAndTheBatchIsWrittenOnce) {
  for (bool with_reader : {false, true}) {
    auto reader = with_reader ? OpenReader() : nullptr;
    const int64_t before = store_->LastRowId();
    FaultVfs::Get().SyncsFailAfter(0);
    auto appended = std::async(std::launch::async, [this] { return Append({Draft(EventKind::kPromptRendered)}); });
    while (store_->Trouble().empty()) std::this_thread::yield();
    EXPECT_EQ(store_->LastRowId(), before) << "nothing is acknowledged that may not be on the disk";
    FaultVfs::Get().Heal();
    auto written = appended.get();
    ASSERT_TRUE(written) << ToString(written.error());
    EXPECT_EQ(written.value().first_row_id, before + 1);
    EXPECT_EQ(store_->Trouble(), "");
    EXPECT_EQ(store_->LastRowId(), before + 1);
    MustAppend({Draft(EventKind::kPromptRendered)});
    EXPECT_EQ(OpenReader()->LastRowId().value(), before + 2);
    EXPECT_FALSE(VerifyAll().first);
  }
  EXPECT_EQ(fatal_, 0);
}

// The store ended the process: it had forgotten what it had just acknowledged, and took it for a stranger's.
TEST_F(StoreFaultTest, CommitThatCannotBeReadBackIsAcknowledgedAndLookedAtAgain) {
  FaultVfs::Get().ReadsFailAfter(1);
  auto written = Append({Draft(EventKind::kPromptRendered), Draft(EventKind::kPromptRendered)});
  ASSERT_TRUE(written) << ToString(written.error());
  EXPECT_EQ(written.value().last_row_id, 4);
  EXPECT_EQ(store_->LastRowId(), 4) << "followers see it";
  EXPECT_NE(store_->Trouble(), "");
  FaultVfs::Get().Heal();
  while (!store_->Trouble().empty() && fatal_ == 0) std::this_thread::yield();
  MustAppend({Draft(EventKind::kPromptRendered)});
  EXPECT_EQ(OpenReader()->LastRowId().value(), 5);
  EXPECT_FALSE(VerifyAll().first);
  EXPECT_EQ(fatal_, 0);
}

// While it lasts an append waits, and is written once.
TEST_F(StoreFaultTest, AppendAfterACommitThatCannotBeReadBackWaits) {
  FaultVfs::Get().ReadsFailAfter(1);
  MustAppend({Draft(EventKind::kPromptRendered)});
  auto second = std::async(std::launch::async, [this] { return Append({Draft(EventKind::kPromptRendered)}); });
  std::this_thread::yield();
  FaultVfs::Get().Heal();
  auto written = second.get();
  ASSERT_TRUE(written) << ToString(written.error());
  EXPECT_EQ(written.value().first_row_id, 4);
  EXPECT_EQ(store_->Trouble(), "");
  EXPECT_EQ(OpenReader()->LastRowId().value(), 4);
  EXPECT_FALSE(VerifyAll().first);
  EXPECT_EQ(fatal_, 0);
}

// What was acknowledged is gone when the file can be read again.
TEST_F(StoreFaultTest, LostCommitThatCouldNotBeReadBackIsFatal) {
  FaultVfs::Get().ReadsFailAfter(1);
  MustAppend({Draft(EventKind::kPromptRendered)});
  Status removed = Internal("not tried");
  while (!removed) {
    auto other = Database::Open({.path = path_, .read_only = false, .vfs = ""});
    if (other) removed = other.value()->Execute("DELETE FROM events WHERE row_id = 3");
  }
  FaultVfs::Get().Heal();
  auto next = AppendPastLocks();
  ASSERT_FALSE(next);
  EXPECT_EQ(next.error().code, ErrorCode::kDataCorrupt);
  while (fatal_ == 0) std::this_thread::yield();
  EXPECT_THAT(store_->Trouble(), HasSubstr("the last that was acknowledged is row 3"));
}

// A daemon that stops does not wait for a disk.
TEST_F(StoreFaultTest, WaitingForTheDiskCanBeGivenUp) {
  FaultVfs::Get().SyncsFailAfter(0);
  auto appended = std::async(std::launch::async, [this] { return Append({Draft(EventKind::kPromptRendered)}); });
  while (store_->Trouble().empty()) std::this_thread::yield();
  store_->GiveUpWaiting();
  EXPECT_EQ(appended.get().error().code, ErrorCode::kIo);
  EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kIo);
  FaultVfs::Get().Heal();
  store_.reset();
  EXPECT_FALSE(VerifyAll().first);
  EXPECT_EQ(fatal_, 0);
}

// A stop while another process held the lock took 15 s: whoever waited for the lock went on for SQLite's five.
TEST_F(StoreFaultTest, WaitingForAnothersLockCanBeGivenUp) {
  store_.reset();
  StoreOptions options = Options();
  options.busy_ms = 3'600'000;
  OpenStore(options);
  auto other = Database::Open({.path = path_, .read_only = false, .vfs = ""});
  ASSERT_TRUE(other);
  ASSERT_TRUE(other.value()->Execute("BEGIN IMMEDIATE"));
  auto appended = std::async(std::launch::async, [this] { return Append({Draft(EventKind::kPromptRendered)}); });
  store_->GiveUpWaiting();
  // A minute is far more than it takes, and far less than the lock is waited for.
  const bool answered = appended.wait_for(std::chrono::minutes(1)) == std::future_status::ready;
  EXPECT_TRUE(answered);
  if (answered) {
    EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kUnavailable);
  }
  ASSERT_TRUE(other.value()->Execute("ROLLBACK"));
  EXPECT_EQ(bool(appended.get()), !answered);
  MustAppend({Draft(EventKind::kPromptRendered)});
  EXPECT_FALSE(VerifyAll().first);
}

// What is found of a group that was given up, when the disk is looked at again, was taken for the next group's rows.
TEST_F(StoreFaultTest, GroupAfterOneThatWasGivenUpIsWrittenItself) {
  FaultVfs::Get().SyncsFailAfter(0);
  auto given_up = std::async(std::launch::async, [this] { return Append({Draft(EventKind::kPromptRendered)}); });
  while (store_->Trouble().empty()) std::this_thread::yield();
  store_->GiveUpWaiting();
  ASSERT_FALSE(given_up.get());
  FaultVfs::Get().Heal();
  MustAppend({Draft(EventKind::kFeedback)});
  EXPECT_EQ(OpenReader()->Chain("c-1", "t-1").value().back().body.kind, EventKind::kFeedback);
  EXPECT_FALSE(VerifyAll().first);
}

// The disk has other bytes than those that were acknowledged.
TEST_F(StoreFaultTest, LostRowsAfterAFailedFsyncAreFatalAndEveryWaiterFails) {
  FaultVfs::Get().SyncsFailAfter(0);
  auto appended = std::async(std::launch::async, [this] { return AppendPastLocks(); });
  while (store_->Trouble().empty()) std::this_thread::yield();
  ChangeAnAcknowledgedRow();
  EXPECT_EQ(appended.get().error().code, ErrorCode::kDataCorrupt);
  FaultVfs::Get().Heal();
  EXPECT_EQ(fatal_, 1);
  EXPECT_THAT(store_->Trouble(), HasSubstr("row 2 was acknowledged"));
  EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kDataCorrupt);
  EXPECT_EQ(fatal_, 1);
}

TEST_F(StoreFaultTest, LostRowsEndTheProcessByDefault) {
  store_.reset();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StoreOptions options = Options();
        options.vfs = FaultVfs::kName;
        options.retry_wait = std::chrono::milliseconds(1);
        OpenStore(options);
        FaultVfs::Get().SyncsFailAfter(0);
        auto appended = std::async(std::launch::async, [this] { return AppendPastLocks(); });
        while (store_->Trouble().empty()) std::this_thread::yield();
        ChangeAnAcknowledgedRow();
        EXPECT_TRUE(appended.get().has_error());
        ::_exit(99);
      },
      testing::ExitedWithCode(3), "disk failed");
}

TEST_F(StoreFaultTest, EveryAppendIsSyncedBeforeItIsAcknowledged) {
  int64_t before = FaultVfs::Get().syncs();
  MustAppend({Draft(EventKind::kPromptRendered)});
  EXPECT_GT(FaultVfs::Get().syncs(), before);
}

TEST_F(StoreFaultTest, QueuedBatchesShareOneSync) {
  GateClock gate;
  StoreOptions options = Options();
  options.vfs = FaultVfs::kName;
  options.clock = &gate;
  store_.reset();
  OpenStore(options);
  auto batch = OneEvent(Draft(EventKind::kPromptRendered));
  auto ignore = [](Result<Appended> done) { ASSERT_TRUE(done); };
  gate.Close();
  ASSERT_TRUE(store_->AppendAsync(batch, ignore));
  gate.WaitUntilReached();
  int64_t before = FaultVfs::Get().syncs();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(store_->AppendAsync(batch, ignore));
  gate.Open();
  ASSERT_TRUE(store_->WaitForRowAfter(202, Deadline::Never()));
  // One for the header of a new WAL, one for the first append, one for the 200 that waited.
  EXPECT_LE(FaultVfs::Get().syncs() - before, 3);
}

}  // namespace
}  // namespace passnet::trajectories
