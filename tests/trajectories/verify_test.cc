#include "trajectories/verify.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "tests/trajectories/journal_fixture.h"
#include "trajectories/content_table.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;
using What = Finding::What;

class VerifyTest : public JournalTest {
 protected:
  // Rows: 1 campaign_launched, 2 trajectory_started, 3 and 4 a call, 5 evaluation_report, 6 feedback, 7
  // trajectory_finished, 8 campaign_head.
  void SetUp() override {
    JournalTest::SetUp();
    OpenStore();
    Launch();
    Call("call-1", ChatRequest({{"system", "s"}, {"user", "write a pass"}}), "a reply");
    MustAppend({Scored(Draft(EventKind::kEvaluationReport, "e-1", "OK"), 1.5, 1)});
    MustAppend({Draft(EventKind::kFeedback)});
    MustAppend({Scored(Draft(EventKind::kTrajectoryFinished, "hash", "solved"), 1.5, 1)});
  }
};

TEST_F(VerifyTest, UntouchedJournalIsIntactAndItsHeadsAreTold) {
  auto report = VerifyAll();
  EXPECT_FALSE(report.first) << report.first->where << ": " << report.first->detail;
  EXPECT_EQ(report.events, 8);
  EXPECT_EQ(report.campaigns, 1);
  EXPECT_EQ(report.trajectories, 1);
  EXPECT_EQ(report.requests, 1);
  EXPECT_EQ(report.blobs, 5);  // head, two messages and tail of the request; the reply
  ASSERT_EQ(report.heads.size(), 2u);
  EXPECT_EQ(report.heads[0].chain_id, "c-1");
  EXPECT_EQ(report.heads[0].seq, 2);
  EXPECT_EQ(report.heads[1].seq, 6);
}

struct Tampering {
  // gtest prints parameters byte by byte otherwise.
  friend void PrintTo(const Tampering& one, std::ostream* out) { *out << one.name; }
  const char* name;
  const char* sql;
  What what;
  const char* where;
  const char* detail;
};

class TamperTest : public VerifyTest, public testing::WithParamInterface<Tampering> {};

TEST_P(TamperTest, IsNamed) {
  Tamper(GetParam().sql);
  auto report = VerifyAll();
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, GetParam().what) << FindingWhatName(report.first->what);
  EXPECT_THAT(report.first->where, HasSubstr(GetParam().where));
  EXPECT_THAT(report.first->detail, HasSubstr(GetParam().detail));
}

// Moves the rows after the deleted one up, as somebody would who wants to hide the gap.
#define DELETE_AND_RENUMBER                                                                   \
  "DELETE FROM event_refs WHERE row_id = 3; DELETE FROM events WHERE row_id = 3;"             \
  "UPDATE event_refs SET row_id = 3 WHERE row_id = 4; UPDATE events SET row_id = 3 WHERE row_id = 4;" \
  "UPDATE events SET row_id = row_id - 1 WHERE row_id > 4;"

// row 9 after the last one, with a link that looks right and a hash that cannot be.
#define INSERT_WITH_LINK(prev)                                                                               \
  "INSERT INTO events (row_id, campaign_id, trajectory_id, seq, kind, at_utc_us, subject, label, payload, "  \
  "payload_sha256, prev_hash, hash) SELECT 9, 'c-1', 't-1', 7, kind, at_utc_us, subject, label, payload, "   \
  "payload_sha256, " prev ", hash FROM events WHERE row_id = 6"

INSTANTIATE_TEST_SUITE_P(
    Rows, TamperTest,
    testing::Values(
        Tampering{"PayloadByte", "UPDATE events SET payload = x'7B7E' WHERE row_id = 5", What::kChanged,
                  "event row 5 (trajectory t-1, seq 4, evaluation_report)", "payload"},
        Tampering{"Score", "UPDATE events SET score = 1.6 WHERE row_id = 5", What::kChanged, "event row 5", "hash"},
        Tampering{"UnknownScore", "UPDATE events SET score = NULL WHERE row_id = 5", What::kChanged, "event row 5", ""},
        Tampering{"Time", "UPDATE events SET at_utc_us = at_utc_us + 1 WHERE row_id = 2", What::kChanged, "event row 2",
                  ""},
        Tampering{"Label", "UPDATE events SET label = 'refused' WHERE row_id = 4", What::kChanged, "event row 4", ""},
        Tampering{"Kind", "UPDATE events SET kind = 'prompt_rendered' WHERE row_id = 6", What::kChanged, "event row 6",
                  ""},
        Tampering{"KindOfTheFuture", "UPDATE events SET kind = 'zzz' WHERE row_id = 6", What::kChanged, "event row 6",
                  "zzz"},
        Tampering{"Hash", "UPDATE events SET hash = zeroblob(32) WHERE row_id = 6", What::kChanged, "event row 6", ""},
        Tampering{"ShortHash", "UPDATE events SET hash = x'00' WHERE row_id = 6", What::kChanged, "event row 6", ""},
        Tampering{"RefTarget", "UPDATE event_refs SET sha256 = zeroblob(32) WHERE row_id = 4", What::kChanged,
                  "event row 4", ""},
        Tampering{"RefGone", "DELETE FROM event_refs WHERE row_id = 4", What::kChanged, "event row 4", ""},
        Tampering{"RowGone", "DELETE FROM event_refs WHERE row_id = 3; DELETE FROM events WHERE row_id = 3",
                  What::kRemoved, "event row 3", "goes on at row 4"},
        Tampering{"RowGoneAndRenumbered", DELETE_AND_RENUMBER, What::kRemoved, "event row 3", "seq 2 was expected"},
        Tampering{"RowsSwapped",
                  "UPDATE events SET row_id = -1 WHERE row_id = 5; UPDATE events SET row_id = 5 WHERE row_id = 6; "
                  "UPDATE events SET row_id = 6 WHERE row_id = -1",
                  What::kReordered, "event row 5 (trajectory t-1, seq 5, feedback)", "seq 4 was expected"},
        Tampering{"SeqSwapped",
                  "UPDATE events SET seq = -1 WHERE row_id = 5; UPDATE events SET seq = 4 WHERE row_id = 6; "
                  "UPDATE events SET seq = 5 WHERE row_id = 5",
                  What::kReordered, "event row 5", ""},
        Tampering{"RowAddedWithALink", INSERT_WITH_LINK("(SELECT hash FROM events WHERE row_id = 7)"), What::kChanged,
                  "event row 9", ""},
        Tampering{"RowAdded", INSERT_WITH_LINK("zeroblob(32)"), What::kAdded, "event row 9 (trajectory t-1, seq 7", ""},
        Tampering{"TailGone", "DELETE FROM events WHERE row_id > 5", What::kRemoved, "events of c-1 after seq 1",
                  "knows 2"}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Content, TamperTest,
    testing::Values(
        Tampering{"BlobBytes",
                  "UPDATE blobs SET zstd = (SELECT zstd FROM blobs WHERE rowid = 2), plain_size_bytes = (SELECT "
                  "plain_size_bytes FROM blobs WHERE rowid = 2) WHERE rowid = 5",
                  What::kChanged, "(reply of event row 4)", "other bytes"},
        Tampering{"BlobDamaged", "UPDATE blobs SET zstd = x'00' WHERE rowid = 5", What::kChanged,
                  "(reply of event row 4)", ""},
        Tampering{"BlobHuge", "UPDATE blobs SET plain_size_bytes = 1 << 40 WHERE rowid = 5", What::kChanged, "(reply",
                  "impossible size"},
        Tampering{"BlobGone", "DELETE FROM blobs WHERE rowid = 5", What::kRemoved, "(reply of event row 4)", "no blob"},
        Tampering{"MessageOfARequestGone", "DELETE FROM blobs WHERE rowid = 2", What::kRemoved,
                  "(request of event row 3)", ""},
        Tampering{"MessagesOfARequestSwapped",
                  "UPDATE wholes SET parts = CAST(substr(parts, 33, 32) || substr(parts, 1, 32) || substr(parts, 65) "
                  "AS BLOB)",
                  What::kChanged, "(request of event row 3)", "parts"},
        Tampering{"RequestGone", "DELETE FROM wholes", What::kRemoved, "(request of event row 3)", ""}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Schema, TamperTest,
    testing::Values(
        Tampering{"TriggerAdded", "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM blobs; END", What::kAdded,
                  "schema, trigger t", ""},
        Tampering{"ViewAdded", "CREATE VIEW v AS SELECT 1", What::kAdded, "schema, view v", ""},
        Tampering{"TableAdded", "CREATE TABLE more (x)", What::kAdded, "schema, table more", ""},
        Tampering{"IndexGone", "DROP INDEX events_one_report", What::kRemoved, "schema, index events_one_report", ""},
        Tampering{"IndexOfAnotherMeaning",
                  "DROP INDEX events_one_report; CREATE UNIQUE INDEX events_one_report ON events (subject) "
                  "WHERE kind = 'nothing'",
                  What::kChanged, "schema, index events_one_report", "nothing"}),
    [](const auto& one) { return one.param.name; });

INSTANTIATE_TEST_SUITE_P(
    CachedTables, TamperTest,
    testing::Values(
        Tampering{"BestScore", "UPDATE trajectories SET best_score = 9.9", What::kChanged,
                  "table trajectories, row t-1", "best_score"},
        Tampering{"CampaignState", "UPDATE campaigns SET state = 'finished', calls = 7", What::kChanged,
                  "table campaigns, row c-1", "state, calls"},
        Tampering{"TrajectoryGone", "DELETE FROM trajectories", What::kRemoved, "table trajectories, row t-1", ""},
        Tampering{"TrajectoryAdded",
                  "CREATE TEMP TABLE copy AS SELECT * FROM trajectories; UPDATE copy SET trajectory_id = 't-0', "
                  "first_row_id = 99; INSERT INTO trajectories SELECT * FROM copy",
                  What::kAdded, "table trajectories, row t-0", "no event tells of it"}),
    [](const auto& one) { return one.param.name; });

// The columns are asked of the file itself: one that the fold or the comparison forgot would be seen here.
class EveryColumnTest : public VerifyTest {
 protected:
  std::vector<std::string> ColumnsOf(const std::string& table) {
    auto database = Database::Open({.path = path_, .read_only = true, .vfs = ""}).value();
    auto select = database->Prepare("SELECT name FROM pragma_table_info('" + table + "')").value();
    std::vector<std::string> names;
    while (select.Step().value()) names.push_back(select.Text(0));
    return names;
  }

  // Another value of the column's own type; NULL where it may be.
  void Change(const std::string& table, const std::string& column) {
    Tamper("UPDATE " + table + " SET " + column + " = CASE typeof(" + column + ") WHEN 'text' THEN " + column +
           " || 'x' WHEN 'blob' THEN zeroblob(32) ELSE " + column + " - 1 END");
  }
};

TEST_F(EveryColumnTest, OfAStateTableIsComparedWithTheFold) {
  Tamper("PRAGMA wal_checkpoint(TRUNCATE)");
  const std::string original = path_;
  for (std::string table : {"campaigns", "trajectories"}) {
    std::vector<std::string> columns = ColumnsOf(table);
    ASSERT_GE(columns.size(), 15u);
    for (const std::string& column : columns) {
      path_ = original + "-" + table + "-" + column;
      std::filesystem::copy_file(original, path_);
      Change(table, column);
      auto report = VerifyAll();
      ASSERT_TRUE(report.first) << table << "." << column;
      // Under another id (its own, or its campaign's) nobody finds the row that the events tell of.
      if (column.ends_with("_id")) continue;
      EXPECT_THAT(report.first->detail, HasSubstr("other than the events tell: " + column));
      path_ = original;
    }
  }
}

// Rewriting with hashes that hold: what an attacker with our source would do.
class RewriteTest : public VerifyTest {
 protected:
  // Gives the event of trajectory t-1 with this seq another score and the hash that belongs to it.
  void Rewrite(int64_t seq) {
    store_.reset();
    auto database = Database::Open({.path = path_, .read_only = false, .vfs = ""}).value();
    Event event = OpenReader()->Chain("c-1", "t-1").value().at(static_cast<size_t>(seq - 1));
    event.body.score = 99;
    auto update = database->Prepare("UPDATE events SET score = 99, hash = ?1 WHERE row_id = ?2").value();
    ASSERT_TRUE(update.Bind(1, HashOf(event)).Bind(2, event.row_id).Run());
  }
};

TEST_F(RewriteTest, RowInTheMiddleBreaksTheLinkOfTheNext) {
  Rewrite(4);
  auto report = VerifyAll();
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, What::kAdded);
  EXPECT_THAT(report.first->where, HasSubstr("event row 6 (trajectory t-1, seq 5, feedback)"));
  EXPECT_THAT(report.first->detail, HasSubstr("does not follow the event before it"));
}

TEST_F(RewriteTest, EndOfATrajectoryIsSeenByTheCampaignsHead) {
  Rewrite(6);
  auto report = VerifyAll();
  ASSERT_TRUE(report.first);
  EXPECT_THAT(report.first->where, HasSubstr("campaign_head"));
  EXPECT_THAT(report.first->detail, HasSubstr("trajectory t-1, seq 6: that chain was rewritten"));
}

// A reader that recursed into lists in lists would have no stack left.
TEST_F(RewriteTest, CampaignHeadOfNestedListsIsNamed) {
  store_.reset();
  auto database = Database::Open({.path = path_, .read_only = false, .vfs = ""}).value();
  Batch content;
  const std::string nested = R"({"heads":)" + std::string(1'000'000, '[');
  Event head = OpenReader()->Chain("c-1", "").value().at(1);
  head.payload_sha256 = content.AddBlob(nested).value();
  ASSERT_TRUE(PutBlob(database.get(), content.blobs().front()));
  auto update =
      database->Prepare("UPDATE events SET payload = NULL, payload_sha256 = ?1, hash = ?2 WHERE row_id = ?3").value();
  ASSERT_TRUE(update.Bind(1, head.payload_sha256).Bind(2, HashOf(head)).Bind(3, head.row_id).Run());
  auto report = VerifyAll();
  ASSERT_TRUE(report.first);
  EXPECT_THAT(report.first->where, HasSubstr("event row 8 (campaign c-1, seq 2, campaign_head)"));
  EXPECT_THAT(report.first->detail, HasSubstr("no list of heads"));
}

// The store does not look into payloads: neither the fold nor verify may stumble over one.
TEST_F(VerifyTest, PayloadOfNestedListsIsKeptAsItIs) {
  EventDraft hostile = Of("t-2", Draft(EventKind::kTrajectoryStarted, "silu"));
  hostile.payload = std::string(1'000'000, '[');
  MustAppend({hostile});
  EXPECT_EQ(OpenReader()->Trajectory("t-2").value().task, "silu");
  EXPECT_FALSE(VerifyAll().first);
}

TEST_F(VerifyTest, LostTailIsSeenOnlyAgainstAHead) {
  auto heads = VerifyAll().heads;
  // The tail with the caches put back as they were: no row tells of it any more.
  Tamper("DELETE FROM events WHERE row_id > 6; "
         "UPDATE trajectories SET state = 'running', outcome = '', final_score = NULL, final_subject = '', "
         "head_seq = 5, head_hash = (SELECT hash FROM events WHERE row_id = 6), "
         "updated_at_utc_us = (SELECT at_utc_us FROM events WHERE row_id = 6); "
         "UPDATE campaigns SET trajectories_finished = 0, head_seq = 1, head_hash = (SELECT hash FROM events WHERE "
         "row_id = 1), updated_at_utc_us = (SELECT at_utc_us FROM events WHERE row_id = 6)");
  EXPECT_FALSE(VerifyAll().first);
  auto report = VerifyAll({heads[0]});
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, What::kTailLost);
  EXPECT_THAT(report.first->where, HasSubstr("c-1"));
  EXPECT_EQ(VerifyAll({heads[1]}).first->what, What::kTailLost);
}

TEST_F(VerifyTest, HeadOfAnotherHistoryIsNamed) {
  Head head = VerifyAll().heads[0];
  head.hash[0] ^= 1;
  auto report = VerifyAll({head});
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, What::kChanged);
  EXPECT_THAT(report.first->detail, HasSubstr("rewritten"));
}

TEST_F(VerifyTest, EarlierHeadsStayTrueWhileTheLogGrows) {
  auto heads = VerifyAll().heads;
  MustAppend({Draft(EventKind::kFeedback)});
  EXPECT_FALSE(VerifyAll(heads).first);
}

// Nothing reads it, so it changes nothing; but it is told.
TEST_F(VerifyTest, ContentThatNoEventNamesIsTold) {
  EXPECT_EQ(VerifyAll().orphans, 0);
  Tamper("INSERT INTO blobs SELECT randomblob(32), plain_size_bytes, zstd FROM blobs LIMIT 1; "
         "INSERT INTO wholes SELECT randomblob(32), plain_size_bytes, parts FROM wholes");
  auto report = VerifyAll();
  EXPECT_FALSE(report.first);
  EXPECT_EQ(report.orphans, 2);
  EXPECT_EQ(report.orphan_examples.size(), 2u);
}

// They would become those of an event to come.
TEST_F(VerifyTest, ReferencesOfNoEventAreNamed) {
  Tamper("INSERT INTO event_refs (row_id, ordinal, name, sha256) SELECT 99, 0, 'reply', sha256 FROM blobs LIMIT 1");
  auto report = VerifyAll();
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, What::kAdded);
  EXPECT_EQ(report.first->where, "event_refs of row 99");
}

// Each line of a head log is true of the journal that wrote it, and shows one that was cut.
TEST_F(VerifyTest, HeadLogShowsACutTail) {
  store_.reset();
  std::filesystem::copy_file(path_, folder_ / "old.db");
  StoreOptions options = Options();
  options.head_log = (folder_ / "heads").string();
  OpenStore(options);
  MustAppend({Draft(EventKind::kFeedback)});
  MustAppend({Draft(EventKind::kCampaignState, "", "running")});
  store_.reset();
  auto heads = ReadHeadLog(options.head_log).value().heads;
  ASSERT_FALSE(heads.empty());
  std::map<std::string, int64_t> last;
  for (const Head& head : heads) last[head.chain_id] = head.seq;
  EXPECT_EQ(last, (std::map<std::string, int64_t>{{"c-1", 4}, {"t-1", 7}}));
  EXPECT_FALSE(VerifyAll(heads).first);
  // The journal as it was before: whole in itself.
  path_ = (folder_ / "old.db").string();
  EXPECT_FALSE(VerifyAll().first);
  auto report = VerifyAll(heads);
  ASSERT_TRUE(report.first);
  EXPECT_EQ(report.first->what, What::kTailLost);
}

TEST_F(VerifyTest, OneCampaignIsCheckedWithoutTheOthers) {
  EventDraft second = Draft(EventKind::kCampaignLaunched, "second");
  second.campaign_id = "c-2";
  MustAppend({second});
  Tamper("UPDATE events SET label = 'x' WHERE row_id = 4");
  EXPECT_TRUE(Verify({.path = path_, .campaign_id = "c-1", .heads = {}}).value().first);
  auto other = Verify({.path = path_, .campaign_id = "c-2", .heads = {}}).value();
  EXPECT_FALSE(other.first);
  EXPECT_EQ(other.events, 1);
  EXPECT_EQ(Verify({.path = path_, .campaign_id = "c-3", .heads = {}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(HeadTest, TextGoesThereAndBack) {
  Head head{"c-abc", 17, Sha256().Update("x").Finish()};
  Head back = ParseHead(ToString(head)).value();
  EXPECT_EQ(back.chain_id, "c-abc");
  EXPECT_EQ(back.seq, 17);
  EXPECT_EQ(back.hash, head.hash);
  const std::string digits(64, 'a');
  for (const std::string& text : {std::string(), std::string("c:1"), ":1:" + digits, "c:0:" + digits,
                                  "c:1:" + std::string(64, 'g'), "c:1x:" + digits}) {
    EXPECT_EQ(ParseHead(text).error().code, ErrorCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace passnet::trajectories
