#include "trajectories/reader.h"

#include <gmock/gmock.h>

#include <thread>

#include "tests/trajectories/journal_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::ElementsAre;

class ReaderTest : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    OpenStore();
    Launch();
  }
};

TEST_F(ReaderTest, RequestComesBackByteForByte) {
  std::string request = ChatRequest({{"system", "s"}, {"user", "a \\u00e4 \\\"x\\\" [1]"}, {"assistant", "b"}});
  Call("call-1", request, "data: {}\n\n");
  auto reader = OpenReader();
  auto events = reader->Chain("c-1", "t-1").value();
  EXPECT_EQ(reader->Content(events[1].body.refs[0].sha256).value(), request);
  EXPECT_EQ(reader->Content(events[2].body.refs[0].sha256).value(), "data: {}\n\n");
  EXPECT_EQ(reader->Content(Sha256().Update("none").Finish()).error().code, ErrorCode::kNotFound);
}

// A conversation of n turns must cost O(n): doubling the turns doubles the bytes, it does not quadruple them.
TEST_F(ReaderTest, ConversationIsStoredOnce) {
  auto stored_after = [&](int first, int last) {
    std::vector<std::pair<std::string, std::string>> messages;
    for (int turn = 0; turn < last; ++turn) {
      std::string text;
      for (int i = 0; i < 3000; ++i) text += static_cast<char>('a' + (turn * 7919 + i * i * 31 + i / 3) % 26);
      messages.push_back({turn % 2 ? "assistant" : "user", text});
      if (turn >= first) Call("call-" + std::to_string(turn), ChatRequest(messages), "r" + std::to_string(turn));
    }
    store_.reset();
    auto database = Database::Open({.path = path_, .read_only = true, .vfs = ""}).value();
    auto sum = database->Prepare("SELECT sum(length(zstd)) FROM blobs").value();
    EXPECT_TRUE(sum.Step().value());
    int64_t bytes = sum.Int64(0);
    OpenStore();
    return bytes;
  };
  int64_t ten = stored_after(0, 10);
  int64_t twenty = stored_after(10, 20);
  EXPECT_LT(twenty, 2 * ten + ten / 4);
}

TEST_F(ReaderTest, EventsArePagedByRow) {
  for (int i = 0; i < 5; ++i) MustAppend({Draft(EventKind::kPromptRendered)});
  auto reader = OpenReader();
  std::vector<int64_t> rows;
  EventQuery query{.campaign_id = "c-1", .trajectory_id = "t-1", .after_row_id = 0, .limit = 2, .with_payload = false};
  for (auto page = reader->Events(query).value(); !page.empty(); page = reader->Events(query).value()) {
    for (const Event& event : page) {
      rows.push_back(event.row_id);
      EXPECT_TRUE(event.body.payload.empty());
    }
    query.after_row_id = rows.back();
  }
  EXPECT_THAT(rows, ElementsAre(2, 3, 4, 5, 6, 7));
}

TEST_F(ReaderTest, LongPayloadIsReadFromItsBlob) {
  EventDraft draft = Draft(EventKind::kEvaluationReport, "e-1", "OK");
  draft.payload = std::string(100'000, 'p');
  MustAppend({draft});
  EXPECT_EQ(OpenReader()->Chain("c-1", "t-1").value().back().body.payload, draft.payload);
}

TEST_F(ReaderTest, StatesAreTheFoldOfTheirEvents) {
  int64_t started = clock_.UtcMicros();
  Call("call-1", "{}", "reply");
  MustAppend({Scored(Draft(EventKind::kEvaluationReport, "e-1", "INCORRECT"), 0.1, 1),
              Scored(Draft(EventKind::kEvaluationReport, "e-2", "OK"), 1.5, 2),
              Scored(Draft(EventKind::kEvaluationReport, "e-3", "OK"), 1.5, 3)});
  EventDraft infra = Draft(EventKind::kEvaluationReport, "e-4", "INFRA");
  infra.round = 4;
  EventDraft retried = Draft(EventKind::kLlmAttemptEnd, "call-9", "transport");
  retried.completion_tokens = 3;
  EventDraft lost = Draft(EventKind::kLlmLost, "call-9");
  lost.prompt_tokens = 5;
  lost.cost_microusd = 2;
  MustAppend({infra, retried, lost});
  auto reader = OpenReader();
  TrajectoryState t = reader->Trajectory("t-1").value();
  EXPECT_EQ(t.task, "gelu");
  EXPECT_EQ(t.state, "running");
  EXPECT_EQ(t.rounds, 4);
  EXPECT_EQ(t.evaluations, 4);
  EXPECT_EQ(t.best_score, 1.5);
  EXPECT_EQ(t.best_round, 2);  // the earliest wins a tie
  EXPECT_EQ(t.verdict, "OK");
  EXPECT_EQ(t.started_at_utc_us, started);
  EXPECT_EQ(t.usage, (UsageTotals{105, 23, 9, 1, 1}));
  EXPECT_EQ(t.final_score, std::nullopt);

  MustAppend({Scored(Draft(EventKind::kTrajectoryFinished, "hash", "solved"), 1.4, 2)});
  t = reader->Trajectory("t-1").value();
  EXPECT_EQ(t.state, "finished");
  EXPECT_EQ(t.outcome, "solved");
  EXPECT_EQ(t.final_score, 1.4);
  EXPECT_EQ(t.final_subject, "hash");
  EXPECT_EQ(t.rounds, 4);

  MustAppend({Draft(EventKind::kCampaignState, "", "finished")});
  CampaignState c = reader->Campaign("c-1").value();
  EXPECT_EQ(c.name, "demo");
  EXPECT_EQ(c.state, "finished");
  EXPECT_EQ(c.trajectories_started, 1);
  EXPECT_EQ(c.trajectories_finished, 1);
  EXPECT_EQ(c.usage, t.usage);
}

TEST_F(ReaderTest, UnscoredReportIsNotABestScoreOfZero) {
  EventDraft infra = Draft(EventKind::kEvaluationReport, "e-1", "UNSUPPORTED");
  MustAppend({infra});
  TrajectoryState t = OpenReader()->Trajectory("t-1").value();
  EXPECT_EQ(t.best_score, std::nullopt);
  EXPECT_EQ(t.verdict, "UNSUPPORTED");
}

TEST_F(ReaderTest, VerdictsAreCountedBetweenTwoRows) {
  for (const char* id : {"e-1", "e-2", "e-3"}) MustAppend({Draft(EventKind::kEvaluationReport, id, id[2] == '2' ? "MISS" : "OK")});
  MustAppend({Draft(EventKind::kEvaluationIntent, "e-4", "refine")});
  auto reader = OpenReader();
  const int64_t last = reader->LastRowId().value();
  using Counts = std::map<std::string, int64_t>;
  EXPECT_EQ(reader->Verdicts(0, last).value(), (Counts{{"MISS", 1}, {"OK", 2}}));
  EXPECT_EQ(reader->Verdicts(last - 3, last).value(), (Counts{{"MISS", 1}, {"OK", 1}}));
  EXPECT_EQ(reader->Verdicts(0, last - 2).value(), (Counts{{"MISS", 1}, {"OK", 1}}));
  EXPECT_EQ(reader->Verdicts(last, last).value(), Counts());
}

TEST_F(ReaderTest, ListsAreInOrderOfStartAndPaged) {
  for (std::string id : {"t-9", "t-3", "t-5"}) MustAppend({Of(id, Draft(EventKind::kTrajectoryStarted, "x"))});
  auto reader = OpenReader();
  auto first = reader->Trajectories("c-1", 0, 2).value();
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[1].trajectory_id, "t-9");
  auto rest = reader->Trajectories("c-1", first[1].first_row_id, 10).value();
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].trajectory_id, "t-3");
  EXPECT_EQ(reader->Campaigns(0, 10).value().size(), 1u);
  EXPECT_TRUE(reader->Campaigns(1, 10).value().empty());
  EXPECT_EQ(reader->Campaign("c-none").error().code, ErrorCode::kNotFound);
}

TEST_F(ReaderTest, ReadsWhatIsCommittedWhileTheStoreIsOpenAndCannotWrite) {
  auto reader = OpenReader();
  EXPECT_EQ(reader->LastRowId().value(), 2);
  MustAppend({Draft(EventKind::kPromptRendered)});
  EXPECT_EQ(reader->LastRowId().value(), 3);
  auto database = Database::Open({.path = path_, .read_only = true, .vfs = ""}).value();
  EXPECT_EQ(database->Execute("DELETE FROM events").error().code, ErrorCode::kPermissionDenied);
}

TEST_F(ReaderTest, UnknownKindIsAnError) {
  Tamper("UPDATE events SET kind = 'from_the_future' WHERE row_id = 2");
  auto events = OpenReader()->Events({});
  EXPECT_EQ(events.error().code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(events.error().context, testing::HasSubstr("from_the_future"));
}

TEST_F(ReaderTest, PoolLendsEachReaderToOneThreadAtATime) {
  ReaderPool pool(path_, 2);
  std::atomic<int> lent{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        auto reader = pool.Borrow();
        ASSERT_TRUE(reader);
        EXPECT_LE(++lent, 2);
        EXPECT_EQ((*reader)->LastRowId().value(), 2);
        --lent;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ReaderTest, PoolOfAMissingFileSaysSoAndStaysUsable) {
  ReaderPool pool(path_ + "-none", 1);
  EXPECT_EQ(pool.Borrow().error().code, ErrorCode::kNotFound);
  EXPECT_EQ(pool.Borrow().error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace passnet::trajectories
