// The store on a disk that fails.
#include <gmock/gmock.h>

#include <atomic>

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

TEST_F(StoreFaultTest, FailedFsyncIsFatalAndEveryWaiterFails) {
  FaultVfs::Get().SyncsFailAfter(0);
  EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kIo);
  EXPECT_EQ(fatal_, 1);
  FaultVfs::Get().Heal();
  // The disk may look well again; what it holds is not known.
  EXPECT_EQ(Append({Draft(EventKind::kPromptRendered)}).error().code, ErrorCode::kIo);
  EXPECT_EQ(fatal_, 1);
}

TEST_F(StoreFaultTest, FailedFsyncEndsTheProcessByDefault) {
  store_.reset();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StoreOptions options = Options();
        options.vfs = FaultVfs::kName;
        OpenStore(options);
        FaultVfs::Get().SyncsFailAfter(0);
        EXPECT_TRUE(Append({Draft(EventKind::kPromptRendered)}).has_error());
        ::_exit(99);
      },
      testing::ExitedWithCode(1), "disk failed");
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
