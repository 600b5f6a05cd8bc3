#include "trajectories/export/figures.h"

#include <gmock/gmock.h>

#include "base/json.h"

namespace passnet::trajectories {
namespace {

class FiguresTest : public testing::Test {
 protected:
  void Add(EventKind kind, const std::string& subject, const std::string& label, std::optional<int64_t> round,
           const std::string& payload = "{}") {
    Event event;
    event.row_id = static_cast<int64_t>(events_.size() + 1);
    event.body.kind = kind;
    event.body.subject = subject;
    event.body.label = label;
    event.body.round = round;
    event.body.payload = payload;
    event.body.score = 1.5;
    events_.push_back(std::move(event));
  }

  void Report(const std::string& purpose, const std::string& verdict, const std::string& graphs) {
    Add(EventKind::kEvaluationIntent, purpose, purpose, 1);
    Add(EventKind::kEvaluationReport, purpose, verdict, 1, "{\"graphs\":" + graphs + "}");
  }

  TrajectoryFigures Read() {
    auto figures = ReadFigures(events_, {{"R.TAMPER"}, "OK"});
    EXPECT_TRUE(figures) << ToString(figures.error());
    return figures ? figures.value() : TrajectoryFigures();
  }

  std::vector<Event> events_;
};

TEST_F(FiguresTest, SpeedupIsTheGeometricMeanOverTheGraphs) {
  Report("refine", "OK", R"([{"verdict":"OK","speedup_call":1},{"verdict":"OK","speedup_call":4}])");
  const TrajectoryFigures figures = Read();
  EXPECT_NEAR(figures.rounds.at(1).speedup.value(), 2, 1e-12);
  EXPECT_TRUE(figures.rounds.at(1).good);
  EXPECT_EQ(figures.rounds.at(1).score, 1.5);
  EXPECT_FALSE(figures.final);
}

// What is not right as a whole has no speed-up, nor has what failed one graph or was not measured on it.
TEST_F(FiguresTest, SpeedupNeedsARightPassOnEveryGraph) {
  const std::pair<const char*, const char*> reports[] = {
      {"TRIVIAL", R"([{"verdict":"OK","speedup_call":2}])"},
      {"OK", R"([{"verdict":"OK","speedup_call":2},{"verdict":"MISS","speedup_call":2}])"},
      {"OK", R"([{"verdict":"OK","speedup_call":2},{"verdict":"OK","speedup_call":null}])"},
      {"OK", R"([{"verdict":"OK","speedup_call":-1}])"},
      {"OK", "[]"},
      {"OK", "7"}};
  for (const auto& [verdict, graphs] : reports) {
    events_.clear();
    Report("final", verdict, graphs);
    const TrajectoryFigures figures = Read();
    ASSERT_TRUE(figures.final) << graphs;
    EXPECT_FALSE(figures.final->speedup) << verdict << " " << graphs;
    EXPECT_TRUE(figures.rounds.empty());
  }
}

// A journal whose end does not say the round says the candidate.
TEST_F(FiguresTest, WinnersRoundIsThatOfTheEndElseOfItsCandidate) {
  Add(EventKind::kCandidate, "hash-1", "", 1);
  Add(EventKind::kCandidate, "hash-2", "", 2);
  Add(EventKind::kTrajectoryFinished, "hash-2", "solved", std::nullopt);
  EXPECT_EQ(Read().winner_round, 2);
  events_.back().body.subject = "hash-3";
  EXPECT_EQ(Read().winner_round, std::nullopt);
  events_.back().body.round = 1;
  EXPECT_EQ(Read().winner_round, 1);
}

TEST_F(FiguresTest, BaselineIsInductorsAndOnlyWhereItWasMeasured) {
  Add(EventKind::kBaseline, "task", "eager", std::nullopt, R"({"aggregated_score":3})");
  Add(EventKind::kBaseline, "task", "inductor", std::nullopt, R"({"error":"no lane"})");
  EXPECT_EQ(Read().inductor_score, std::nullopt);
  Add(EventKind::kBaseline, "task", "inductor", std::nullopt, R"({"aggregated_score":1.25})");
  EXPECT_EQ(Read().inductor_score, 1.25);
}

TEST_F(FiguresTest, TaskIsThatOfTheStart) {
  Add(EventKind::kTrajectoryStarted, "rope", "", std::nullopt, R"({"task_path":"/tasks/rope","task_hash":"h"})");
  EXPECT_EQ(Read().task.name, "rope");
  EXPECT_EQ(Read().task.path, "/tasks/rope");
  EXPECT_EQ(Read().task.hash, "h");
}

TEST_F(FiguresTest, PayloadThatCannotBeReadNamesItsRow) {
  Add(EventKind::kFeedback, "", "", 1, "not looked at");
  Add(EventKind::kEvaluationReport, "e", "OK", 1, std::string(1'000'000, '['));
  auto figures = ReadFigures(events_, {{"R.TAMPER"}, "OK"});
  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(figures.error().context, testing::HasSubstr("row 2"));
}

}  // namespace
}  // namespace passnet::trajectories
