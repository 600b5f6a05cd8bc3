// A head log whose lines are torn: by a machine that stopped, by a disk that was full.
#include "trajectories/head_log.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>

#include "base/file.h"
#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HeadLogTest : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    log_ = (folder_ / "heads").string();
    OpenWithLog();
    Launch();
    store_.reset();
  }

  void OpenWithLog() {
    StoreOptions options = Options();
    options.head_log = log_;
    OpenStore(options);
  }
  // One life of a daemon that adds an event.
  void LiveOnce() {
    OpenWithLog();
    MustAppend({Draft(EventKind::kFeedback)});
    store_.reset();
  }
  void AddToLog(const std::string& text) { std::ofstream(log_, std::ios::app) << text; }
  HeadLogText Read() {
    auto text = ReadHeadLog(log_);
    EXPECT_TRUE(text) << ToString(text.error());
    return text ? std::move(text).value() : HeadLogText();
  }

  std::string log_;
};

TEST_F(HeadLogTest, LastLineThatIsTornIsNamedAndPassedOver) {
  const size_t heads = Read().heads.size();
  EXPECT_THAT(Read().torn, IsEmpty());
  AddToLog("t-1:99:ab");
  EXPECT_EQ(Read().heads.size(), heads);
  EXPECT_THAT(Read().torn, ElementsAre(log_ + ":" + std::to_string(heads + 1)));
}

TEST_F(HeadLogTest, LineThatIsNoHeadIsAnError) {
  AddToLog("t-1:99:ab\n");
  EXPECT_THAT(ReadHeadLog(log_).error().context, HasSubstr("heads:"));
}

// The next life's first head stood behind the torn line's rest, and the whole log could not be read any more.
TEST_F(HeadLogTest, WriterStartsOnALineOfItsOwn) {
  const size_t heads = Read().heads.size();
  AddToLog("t-1:99:ab");
  LiveOnce();
  EXPECT_EQ(Read().heads.size(), heads + 1);
  EXPECT_EQ(Read().torn.size(), 1u);
  EXPECT_FALSE(VerifyAll(Read().heads).first);
  LiveOnce();
  EXPECT_EQ(Read().heads.size(), heads + 2);
  EXPECT_EQ(Read().torn.size(), 1u) << "a whole line is left as it is";
}

// Room for so many further bytes of a file.
class RoomFor {
 public:
  RoomFor(const std::string& path, size_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit now = before_;
    now.rlim_cur = std::filesystem::file_size(path) + bytes;
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~RoomFor() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, SIG_DFL);
  }

 private:
  rlimit before_{};
};

TEST_F(HeadLogTest, WriteThatDidNotFitIsMadeGoodTheNextTime) {
  const size_t heads = Read().heads.size();
  auto database = Database::Open({.path = path_, .read_only = true, .vfs = ""}).value();
  ASSERT_TRUE(database->QuickCheck());  // SQLite's files beside the journal are there before the room becomes small
  auto opened = HeadLog::Open(log_, Nanos(0));
  ASSERT_TRUE(opened) << ToString(opened.error());
  HeadLog log = std::move(opened).value();
  Batch batch;
  ASSERT_TRUE(batch.Add(Draft(EventKind::kFeedback)));
  log.Note(batch);
  {
    const RoomFor few(log_, 7);
    EXPECT_FALSE(log.Write(database.get(), SteadyTime{}));
  }
  EXPECT_EQ(Read().torn.size(), 1u);
  ASSERT_TRUE(log.Write(database.get(), SteadyTime{}));
  EXPECT_EQ(Read().heads.size(), heads + 1);
  EXPECT_EQ(Read().torn.size(), 1u);
  EXPECT_FALSE(VerifyAll(Read().heads).first);
}

}  // namespace
}  // namespace passnet::trajectories
