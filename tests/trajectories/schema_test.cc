// Journals of past versions must stay readable, verifiable and writable. Each fixture is the sqlite3 dump of a journal
// that the program of that version wrote; when a version is added, so is its fixture, and none is ever regenerated.
#include "trajectories/schema.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "tests/fakes/paths.h"
#include "tests/trajectories/journal_fixture.h"
#include "trajectories/export/export.h"

namespace passnet::trajectories {
namespace {

struct PastVersion {
  friend void PrintTo(const PastVersion& one, std::ostream* out) { *out << one.file; }
  const char* file;
  const char* campaign_head;
  int64_t sample;  // of its trajectory
};

class PastVersionTest : public JournalTest, public testing::WithParamInterface<PastVersion> {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    std::string fixture = fakes::SourceDir() + "/tests/trajectories/fixtures/" + GetParam().file;
    auto sql = ReadFile(fixture, 1 << 20);
    ASSERT_TRUE(sql) << ToString(sql.error());
    Tamper(sql.value());
  }
};

TEST_P(PastVersionTest, OpensVerifiesAndGoesOn) {
  OpenStore();
  Head head = ParseHead(GetParam().campaign_head).value();
  auto report = VerifyAll({head});
  EXPECT_FALSE(report.first) << report.first->where << ": " << report.first->detail;
  EXPECT_EQ(report.events, 15);
  EXPECT_EQ(Reader::Open(path_).value()->Trajectory("t-1").value().sample, GetParam().sample);
  MustAppend({Of("t-2", Draft(EventKind::kTrajectoryStarted, "silu"))});
  EXPECT_FALSE(VerifyAll({head}).first);
  ExportOptions options;
  options.store_path = path_;
  options.folder = (folder_ / "out").string();
  options.barred_verdicts = {"R.TAMPER"};
  options.good_verdict = "OK";
  options.min_speedup = 0;  // the reports of the fixture have no graphs
  EXPECT_EQ(Export(options).value().rows, 1);
}

// The SQL of every table and index as the file keeps it.
std::vector<std::string> SchemaOf(const std::string& path) {
  auto database = Database::Open({.path = path, .read_only = true, .vfs = ""}).value();
  auto select = database->Prepare("SELECT name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY name").value();
  std::vector<std::string> all;
  while (select.Step().value()) all.push_back(select.Text(0));
  return all;
}

// The state tables are made from a list of columns: what it makes is what files of this version have.
TEST_P(PastVersionTest, UpgradedHasTheTablesOfANewOne) {
  OpenStore();
  store_.reset();
  std::vector<std::string> upgraded = SchemaOf(path_);
  path_ = (folder_ / "new.db").string();
  OpenStore();
  EXPECT_EQ(upgraded, SchemaOf(path_));
}

INSTANTIATE_TEST_SUITE_P(
    All, PastVersionTest,
    testing::Values(PastVersion{"journal_v1.sql",
                                "c-1:5:258f89e5a81e264b93e8f05f1a8c26e649d811178df949345ae9d646a6e8b761", 1},
                    PastVersion{"journal_v2.sql",
                                "c-1:5:1cbaa46cc245c54e1e8683944fb898bd856b31bb2bd924d8343d0670bdd0b894", 3}),
    [](const auto& one) { return std::string(one.param.file).substr(0, 10); });

}  // namespace
}  // namespace passnet::trajectories
