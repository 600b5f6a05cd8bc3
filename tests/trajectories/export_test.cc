#include "trajectories/export/export.h"

#include <gmock/gmock.h>

#include "evaluator/api/json.h"
#include "tests/trajectories/export_fixture.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

class ExportTest : public ExportFixture {};

TEST_F(ExportTest, LinearHistoryIsOneRowWithWeights) {
  Tell("t-1", {.turns = {{"no files here", ""}, {"first pass", "OK", 1.2}, {"second pass", "OK", 1.5}}, .winner = 3});
  EXPECT_EQ(Exported().rows, 1);
  EXPECT_EQ(lines_.at(0),
            R"({"messages":[{"role":"system","content":"You write passes."},)"
            R"({"role":"user","content":"Write one for gelu."},)"
            R"({"role":"assistant","content":"no files here","weight":0},{"role":"user","content":"No files."},)"
            R"({"role":"assistant","content":"first pass","weight":1},{"role":"user","content":"It was OK."},)"
            R"({"role":"assistant","content":"second pass","weight":1}]})");
  const Json& entry = manifest_["row_index"].At(0);
  EXPECT_EQ(entry["id"], Sha256Hex(lines_[0]));
  EXPECT_EQ(entry["file"], "openai-chat.jsonl");
  EXPECT_EQ(entry["calls"], 3);
  EXPECT_EQ(entry["trained_turns"], 2);
  EXPECT_EQ(entry["round"], 3);
  EXPECT_EQ(entry["sample"], 1);
  EXPECT_EQ(entry["tokens"], 120);
  EXPECT_NEAR(entry["speedup"].Number(), 1.5, 1e-9);
}

// Turns judged INCORRECT, MISS, COMPILE and 0.16x had weight 1, and so had all that came after the best.
TEST_F(ExportTest, OnlyTurnsThatImprovedAreTrainedAndNothingFollowsTheBest) {
  Tell("t-1", {.turns = {{"wrong", "INCORRECT"},
                         {"slow", "OK", 0.16},
                         {"missed", "MISS"},
                         {"good", "OK", 1.3},
                         {"worse", "OK", 1.1},
                         {"no kernel", "COMPILE"},
                         {"best", "OK", 1.9},
                         {"best", "OK", 1.8},
                         {"broken", "CRASH"}},
               .winner = 7});
  Exported();
  EXPECT_EQ(Weights(), "0 0 0 1 0 0 1 ");
  EXPECT_EQ(rows_[0]["messages"].Items().back()["content"], "best");
  EXPECT_EQ(rows_[0]["messages"].size(), 15u);
  ExportOptions winner = Options();
  winner.turns = TrainedTurns::kWinner;
  Exported(winner);
  EXPECT_EQ(Weights(), "0 0 0 0 0 0 1 ");
  ExportOptions all = Options();
  all.turns = TrainedTurns::kAll;
  Exported(all);
  EXPECT_EQ(Weights(), "1 1 1 1 1 1 1 ");
  EXPECT_EQ(manifest_["options"]["turns"], "all");
}

// The winner is what was measured at the end, even where another round looked better in the short profile.
TEST_F(ExportTest, WinningTurnIsTheOneThatTheTrajectoryNamed) {
  Tell("t-1", {.turns = {{"one", "OK", 1.5}, {"two", "OK", 1.6}}, .winner = 1});
  Exported();
  EXPECT_EQ(rows_.at(0)["messages"].Items().back()["content"], "one");
  EXPECT_EQ(Weights(), "1 ");
}

TEST_F(ExportTest, TurnsThatCameOutOfNothingAreNotTrainedEvenWithAll) {
  Tell("t-1", {.turns = {{"no files", ""}, {"pass"}}, .winner = 2});
  ExportOptions all = Options();
  all.turns = TrainedTurns::kAll;
  Exported(all);
  EXPECT_EQ(Weights(), "0 1 ");
}

TEST_F(ExportTest, RewrittenHistoryIsOneRowATrainedCall) {
  const Told told{.turns = {{"long first pass", "OK", 1.2}, {"wrong", "INCORRECT"}, {"third", "OK", 1.6}}, .winner = 3};
  Begin(told, "t-1");
  Messages history = {{"user", "write"}};
  for (size_t i = 0; i < 3; ++i) {
    const auto round = static_cast<int64_t>(i + 1);
    Asked(told, "t-1", "call-" + std::to_string(round), round, history, Completion(told.turns[i].reply));
    HandedIn(told, "t-1", round, told.turns[i]);
    Evaluated(told, "t-1", round, "refine", told.turns[i]);
    history = {{"user", "write"}, {"assistant", "(shortened)"}, {"user", "faster"}};
  }
  End(told, "t-1");
  EXPECT_EQ(Exported().rows, 2);
  EXPECT_EQ(rows_[0]["messages"].size(), 2u);
  EXPECT_EQ(Weights(0), "1 ");
  EXPECT_EQ(rows_[1]["messages"].At(3)["content"], "third");
  EXPECT_EQ(Weights(1), "0 1 ");
}

TEST_F(ExportTest, AssistantTextOfThePromptIsNotTrained) {
  const Told told{.turns = {{"pass"}}};
  Begin(told, "t-1");
  Asked(told, "t-1", "call-1", 1, {{"user", "example"}, {"assistant", "its answer"}, {"user", "write"}},
        Completion("pass"));
  HandedIn(told, "t-1", 1, told.turns[0]);
  Evaluated(told, "t-1", 1, "refine", told.turns[0]);
  End(told, "t-1");
  Exported();
  EXPECT_EQ(Weights(), "0 1 ");
}

TEST_F(ExportTest, OnlyFinishedHonestWorkIsExported) {
  Simple("t-good", "a", 1.5);
  Tell("t-cheat", {.task = "b", .turns = {{"cheat", "R.TAMPER"}, {"pass", "OK", 9}}, .winner = 2});
  Tell("t-infra", {.task = "c", .turns = {{"x"}}, .winner = 0, .outcome = "infra"});
  Tell("t-weak", {.task = "d", .turns = {{"y", "INCORRECT"}}, .outcome = "unsolved"});
  Begin({.task = "e"}, "t-running");
  auto summary = Exported();
  EXPECT_EQ(Trajectories(), "t-good ");
  EXPECT_EQ(summary.trajectories, 5);
  EXPECT_EQ(manifest_["counts"]["excluded"],
            Json({{"infra", 1}, {"integrity", 1}, {"not_finished", 1}, {"outcome", 1}}));
  EXPECT_EQ(manifest_["excluded"]["integrity"].At(0), "t-cheat");
  EXPECT_EQ(manifest_["excluded"]["not_finished"].At(0), "t-running");
}

using evaluator::Verdict;

// Decided here a second time, by hand: without `default`, so that a new verdict does not compile until somebody decides.
bool MayTeach(Verdict verdict) {
  switch (verdict) {
    case Verdict::kTamper:
    case Verdict::kStatic:
    case Verdict::kDispatch:
    case Verdict::kMutation:
    case Verdict::kState:
    case Verdict::kTiming:
    case Verdict::kImplausible:
    case Verdict::kQuarantine: return false;
    case Verdict::kInfra:
    case Verdict::kUnsupported:
    case Verdict::kCrash:
    case Verdict::kTimeout:
    case Verdict::kOutOfMemory:
    case Verdict::kMiss:
    case Verdict::kCompile:
    case Verdict::kIncorrect:
    case Verdict::kTrivial:
    case Verdict::kOk: return true;
  }
  return false;
}

// Every verdict of the evaluator, under the name that the loop stores.
class VerdictTest : public ExportFixture {
 protected:
  template <typename TurnsOf>
  void ExpectExported(TurnsOf turns_of, int64_t winner) {
    std::string expected;
    for (int i = 0; i <= static_cast<int>(Verdict::kOk); ++i) {
      const auto verdict = static_cast<Verdict>(i);
      const std::string id = "t-" + std::to_string(i);
      Told told{.task = id, .turns = turns_of(std::string(evaluator::VerdictName(verdict))), .winner = winner};
      told.final_speedup = 1.5;
      Tell(id, told);
      if (MayTeach(verdict)) expected += id + " ";
    }
    Exported();
    EXPECT_EQ(Trajectories(), expected);
    EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"integrity", 8}}));
  }
};

// The filter knew "tamper" where the evaluator writes "R.TAMPER", and so did its test: cheats were exported.
TEST_F(VerdictTest, OfTheLastRoundDecides) {
  ExpectExported([](const std::string& verdict) { return std::vector<Turn>{{"one"}, {"two", verdict}}; }, 1);
}

TEST_F(VerdictTest, OfAnEarlierRoundDecides) {
  ExpectExported([](const std::string& verdict) { return std::vector<Turn>{{"one", verdict}, {"two"}}; }, 2);
}

// A report is called by its worst graph: a crash comes before a faked clock, which teaches nobody all the same.
TEST_F(VerdictTest, OfOneGraphDecides) {
  std::string expected;
  for (int i = 0; i <= static_cast<int>(Verdict::kOk); ++i) {
    const std::string id = "t-" + std::to_string(i);
    evaluator::EvaluationReport report;
    report.verdict = Verdict::kCrash;
    report.graphs.resize(2);
    report.graphs[0].verdict = Verdict::kCrash;
    report.graphs[1].verdict = static_cast<Verdict>(i);
    const Told told{.task = id, .turns = {{"pass"}}};
    Begin(told, id);
    EventDraft draft = In(told, id, EventKind::kEvaluationReport, id + "-crash", "CRASH");
    draft.payload = evaluator::ToJson(report);
    MustAppend({std::move(draft)});
    Asked(told, id, id + "-call", 1, {{"user", "do " + id}}, Completion("pass"));
    HandedIn(told, id, 1, told.turns[0]);
    End(told, id);
    if (MayTeach(static_cast<Verdict>(i))) expected += id + " ";
  }
  Exported();
  EXPECT_EQ(Trajectories(), expected);
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"integrity", 8}}));
}

TEST_F(ExportTest, CallerThatNamesNoVerdictIsRefused) {
  Simple("t-1", "a", 1.5);
  ExportOptions none_barred = Options();
  none_barred.barred_verdicts.clear();
  EXPECT_EQ(Export(none_barred).error().code, ErrorCode::kInvalidArgument);
  ExportOptions none_good = Options();
  none_good.good_verdict.clear();
  EXPECT_EQ(Export(none_good).error().code, ErrorCode::kInvalidArgument);
}

// ---- what teaches success

// "solved" held 0.78x.
TEST_F(ExportTest, SolvedButSlowerThanEagerIsLeftOut) {
  Simple("t-slow", "a", 0.78);
  Simple("t-same", "b", 1.0);
  Simple("t-fast", "c", 1.01);
  Exported();
  EXPECT_EQ(Trajectories(), "t-fast ");
  EXPECT_EQ(manifest_["excluded"]["not_faster"], Json(Json::Array{"t-slow", "t-same"}));
  ExportOptions any_speed = Options();
  any_speed.min_speedup = 0;
  Exported(any_speed);
  EXPECT_EQ(Trajectories(), "t-slow t-same t-fast ");
}

// The figure is the final measurement's, not the round's; a pass that failed one graph has none.
TEST_F(ExportTest, SpeedupIsThatOfTheFinalMeasurement) {
  Tell("t-1", {.task = "a", .turns = {{"pass", "OK", 2.0}}, .final_speedup = 0.9});
  Tell("t-2", {.task = "b", .turns = {{"other", "OK", 0.9}}, .final_speedup = 1.2});
  Tell("t-3", {.task = "c", .turns = {{"partly", "INCORRECT"}}, .outcome = "unsolved"});
  ExportOptions options = Options();
  options.outcomes.clear();
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-2 ");
}

TEST_F(ExportTest, BeatsInductorWhereItsFigureIsKnown) {
  Tell("t-beaten", {.task = "a", .turns = {{"a", "OK", 2.0}}, .inductor = 1.4});
  Tell("t-not", {.task = "b", .turns = {{"b", "OK", 1.3}}, .inductor = 1.4});
  Tell("t-unknown", {.task = "c", .turns = {{"c", "OK", 3.0}}});
  // The figure is the task's, also where another trajectory measured it, one that ended badly.
  Tell("t-borrows", {.task = "d", .turns = {{"d", "OK", 1.6}}});
  Tell("t-lends", {.task = "d", .turns = {{"e"}}, .winner = 0, .outcome = "infra", .inductor = 1.5});
  ExportOptions options = Options();
  options.beats_inductor = true;
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-beaten t-borrows ");
  EXPECT_EQ(manifest_["excluded"]["baseline_not_beaten"].At(0), "t-not");
  EXPECT_EQ(manifest_["excluded"]["baseline_unknown"].At(0), "t-unknown");
}

TEST_F(ExportTest, PerTaskKeepsTheBest) {
  Simple("t-1", "a", 1.2);
  Simple("t-2", "a", 1.9);
  Simple("t-3", "a", 1.5);
  Simple("t-4", "b", 1.1);
  ExportOptions options = Options();
  options.per_task = 2;
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-2 t-3 t-4 ");
  options.per_task = 1;
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-2 t-4 ");
  EXPECT_EQ(manifest_["counts"]["excluded"]["not_best"], 2);
}

// A task is its files: two names of one folder share the places, two folders of one name do not.
TEST_F(ExportTest, PerTaskGoesByTheFilesOfATask) {
  Tell("t-1", {.task = "a", .turns = {{"1", "OK", 1.2}}, .task_hash = "h1"});
  Tell("t-2", {.task = "a-copy", .turns = {{"2", "OK", 1.9}}, .task_hash = "h1"});
  Tell("t-3", {.task = "a", .turns = {{"3", "OK", 1.1}}, .task_hash = "h2"});
  ExportOptions options = Options();
  options.per_task = 1;
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-2 t-3 ");
}

TEST_F(ExportTest, CandidatesThatDifferInLooksAloneAreOne) {
  const std::string text = "def pattern(x):\n    return x + 1  # adds\n";
  Tell("t-1", {.task = "a", .turns = {{"1", "OK", 1.2, {{"P.py", text}}}}});
  Tell("t-2", {.task = "b", .turns = {{"2", "OK", 1.6, {{"P.py", "# mine\n\ndef pattern( x ):\n  return x+1\n"}}}}});
  Tell("t-3", {.task = "c", .turns = {{"3", "OK", 1.4, {{"P.py", "def pattern(x):\n    return x + 2\n"}}}}});
  Tell("t-4", {.task = "d", .turns = {{"4", "OK", 1.4, {{"Q.py", text}}}}});
  Exported();
  EXPECT_EQ(Trajectories(), "t-2 t-3 t-4 ");
  EXPECT_EQ(manifest_["excluded"]["duplicate"].At(0), "t-1");
}

// With restart = "best": its first round was an improvement on nothing, although its prompt had shown a faster folder.
TEST_F(ExportTest, RestartedSampleImprovesOnWhatItStartedFrom) {
  Simple("t-1", "gelu", 1.5);
  const std::vector<Turn> turns = {{"slower", "OK", 1.2}, {"faster", "OK", 1.8}, {"fastest", "OK", 2.0}};
  Tell("t-2", {.turns = turns, .winner = 3, .start = 1.5});
  Tell("t-3", {.turns = {{"no better", "OK", 1.9}}, .start = 2.0});
  EXPECT_EQ(Exported().rows, 2);
  EXPECT_EQ(Trajectories(), "t-1 t-2 ");
  EXPECT_EQ(Weights(0), "1 ");
  EXPECT_EQ(Weights(1), "0 1 1 ");
  EXPECT_EQ(manifest_["excluded"], Json({{"not_above_start", Json(Json::Array{"t-3"})}}));
}

// The same files, measured a little faster by chance: the copy stayed and whoever had found it went.
TEST_F(ExportTest, CopyOfWhatItStartedFromTeachesNothing) {
  const Turn found{"x", "OK", 1.5, {{"P.py", "a = 1\n"}}};
  const Turn copied{"y", "OK", 1.6, {{"P.py", "a = 1  # so fast\n"}}};
  Tell("t-1", {.turns = {found}});
  Tell("t-2", {.turns = {copied}, .start = 1.5, .start_files = found.files});
  EXPECT_EQ(Exported().rows, 1);
  EXPECT_EQ(Trajectories(), "t-1 ");
  EXPECT_EQ(manifest_["excluded"], Json({{"not_above_start", Json(Json::Array{"t-2"})}}));
}

TEST_F(ExportTest, OtherFiltersChooseAndAreCounted) {
  Simple("t-1", "a", 1.5);
  Simple("t-2", "b", 2.0);
  ExportOptions score = Options();
  score.min_score = 1.6;
  Exported(score);
  EXPECT_EQ(Trajectories(), "t-2 ");
  ExportOptions guard = Options();
  guard.excluded_tasks = ParseTaskList("# held out\n a  # the first\n\nzzz\r\n");
  Exported(guard);
  EXPECT_EQ(Trajectories(), "t-2 ");
  EXPECT_EQ(manifest_["excluded"]["excluded_task"].At(0), "t-1");
  ExportOptions tokens = Options();
  tokens.max_tokens = 119;  // each call used 120
  EXPECT_EQ(Exported(tokens).rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["max_tokens"], 2);
}

// ---- decontamination and split

OpSequencesOf Ops(std::map<std::string, std::string> ops_of_task) {
  return [ops_of_task](const StoredTask& task) {
    const auto found = ops_of_task.find(task.name);
    if (found == ops_of_task.end()) return OpSequences{{}, task.path + ": no such folder"};
    return OpSequences{{found->second}, ""};
  };
}

TEST_F(ExportTest, EvaluationTasksAreKeptOutByNameContentAndOps) {
  Tell("t-name", {.task = "held-out", .turns = {{"1"}}, .task_hash = "x1"});
  Tell("t-content", {.task = "renamed", .turns = {{"2"}}, .task_hash = "h2"});
  Tell("t-ops", {.task = "like-it", .turns = {{"3"}}, .task_hash = "x3"});
  Tell("t-clean", {.task = "other", .turns = {{"4"}}, .task_hash = "x4"});
  Tell("t-gone", {.task = "gone", .turns = {{"5"}}, .task_hash = "x5"});
  ExportOptions options = Options();
  options.evaluation_lists = {ParseEvaluationList("list", "samples/x/held-out h2 ops-7\n")};
  options.op_sequences = Ops({{"like-it", "ops-7"}, {"other", "ops-8"}});
  auto summary = Exported(options);
  EXPECT_EQ(Trajectories(), "t-clean t-gone ");
  EXPECT_EQ(manifest_["excluded"]["contaminated_name"].At(0), "t-name");
  EXPECT_EQ(manifest_["excluded"]["contaminated_content"].At(0), "t-content");
  EXPECT_EQ(manifest_["excluded"]["contaminated_ops"].At(0), "t-ops");
  EXPECT_EQ(manifest_["options"]["evaluation_lists"].At(0)["marks"], 3);
  // What could not be compared is said.
  ASSERT_EQ(summary.tasks_unknown.size(), 1u);
  EXPECT_EQ(manifest_["tasks"]["op_sequence_unknown"].At(0)["task"], "gone");
  EXPECT_EQ(manifest_["tasks"]["op_sequence_unknown"].At(0)["why"], "/tasks/gone: no such folder");
  EXPECT_THAT(manifest_["notes"].Dump(), HasSubstr("the op sequence of 1 of 2 tasks is not known"));
}

TEST_F(ExportTest, PassBenchTasksOfThisProgramAreKeptOut) {
  const std::string name = "020a70177db82f29bea1c288da83e1af1780aaeee9faca1e851595a03c500c5a";
  Tell("t-1", {.task = name, .turns = {{"1"}}});
  Simple("t-2", "rope", 1.5);
  ExportOptions options = Options();
  options.evaluation_lists = {PassBenchEvaluationTasks()};
  Exported(options);
  EXPECT_EQ(Trajectories(), "t-2 ");
}

TEST_F(ExportTest, SplitKeepsTasksOfOneOpSequenceTogether) {
  std::map<std::string, std::string> ops;
  for (int i = 0; i < 60; ++i) {
    const std::string task = "task-" + std::to_string(i);
    Tell("t-" + std::to_string(i), {.task = task, .turns = {{"pass " + task}}, .task_hash = "h" + task});
    ops[task] = "ops-" + std::to_string(i / 2);
  }
  ExportOptions options = Options();
  options.op_sequences = Ops(ops);
  options.split = ParseSplit("train=0.7,validation=0.3").value();
  auto summary = Exported(options);
  ASSERT_EQ(summary.files.size(), 2u);
  EXPECT_EQ(summary.files[0].name, "openai-chat.train.jsonl");
  EXPECT_EQ(summary.files[0].rows + summary.files[1].rows, 60);
  EXPECT_GT(summary.files[0].rows, summary.files[1].rows);
  EXPECT_GT(summary.files[1].rows, 0);
  std::map<std::string, std::set<std::string>> files_of_ops;
  for (const Json& row : manifest_["row_index"].Items()) {
    files_of_ops[ops[row["task"].Text()]].insert(row["file"].Text());
  }
  for (const auto& [sequence, files] : files_of_ops) EXPECT_EQ(files.size(), 1u) << sequence;
}

// ---- what cannot be read

// Lists in lists: a reader that recursed would have no stack left.
const std::string& Nested() {
  static const std::string nested = R"({"messages":)" + std::string(1'000'000, '[');
  return nested;
}

TEST_F(ExportTest, ReportThatCannotBeReadVouchesForNothing) {
  const Told told{.turns = {{"pass"}}};
  Begin(told, "t-1");
  EventDraft report = In(told, "t-1", EventKind::kEvaluationReport, "e-1", "OK");
  report.payload = Nested();
  MustAppend({std::move(report)});
  End(told, "t-1");
  EXPECT_EQ(Exported().rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["unreadable"], 1);
}

// One damaged payload, of a trajectory that is not even exported, once ended the whole export.
TEST_F(ExportTest, DamagedPayloadCostsItsOwnTrajectoryOnly) {
  Simple("t-good", "a", 1.5);
  const Told told{.task = "b", .turns = {{"pass"}}};
  Begin(told, "t-bad");
  EventDraft large = In(told, "t-bad", EventKind::kFeedback, "f");
  large.payload = Json(std::string(10'000, 'x')).Dump();
  const std::string digest = Sha256Hex(large.payload);
  MustAppend({std::move(large)});
  End(told, "t-bad");
  Tamper("DELETE FROM blobs WHERE lower(hex(sha256)) = '" + digest + "'");
  EXPECT_EQ(Exported().rows, 1);
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"unreadable", 1}}));
}

// A reply, a request and a candidate's file whose bytes are gone: each once ended the whole export with not_found.
TEST_F(ExportTest, LostContentCostsItsOwnTrajectoryOnly) {
  Simple("t-good", "a", 1.5);
  Simple("t-reply", "b", 1.5, "reply that is lost");
  Tell("t-file", {.task = "c", .turns = {{"x", "OK", 1.5, {{"P.py", "file that is lost"}}}}});
  for (const std::string& lost : {Completion("reply that is lost"), std::string("file that is lost")}) {
    Tamper("DELETE FROM blobs WHERE lower(hex(sha256)) = '" + Sha256Hex(lost) + "'");
  }
  EXPECT_EQ(Exported().rows, 1);
  EXPECT_EQ(manifest_["excluded"], Json({{"unreadable", Json(Json::Array{"t-file", "t-reply"})}}));
  ASSERT_EQ(manifest_["unreadable"].size(), 2u);
  EXPECT_EQ(manifest_["unreadable"].At(0)["trajectory_id"], "t-file");
  EXPECT_THAT(manifest_["unreadable"].At(0)["why"].Text(), HasSubstr("no blob"));
}

TEST_F(ExportTest, HostileRepliesAreNamedAndHarmNobody) {
  const std::map<std::string, std::string> bodies = {
      {"t-page", "<html>"},
      {"t-nested", Nested()},
      {"t-stream", "data: " + Nested() + "\n\n"},
      {"t-nul", std::string("{\"choices\":\0[]}", 15)},
      {"t-empty", ""},
      {"t-deep-text", Completion(std::string(1'000'000, '['))},
      {"t-nul-text", R"({"choices":[{"finish_reason":"stop","message":{"content":"a\u0000b"}}]})"},
      {"t-bad-utf8", "{\"choices\":[{\"finish_reason\":\"stop\",\"message\":{\"content\":\"a\xff\xc3 b\"}}]}"},
  };
  for (const auto& [id, body] : bodies) {
    const Told told{.task = id, .turns = {{"pass of " + id}}};
    Begin(told, id);
    Asked(told, id, id + "-call", 1, {{"user", "u"}}, body);
    HandedIn(told, id, 1, told.turns[0]);
    End(told, id);
  }
  EXPECT_EQ(Exported().rows, 3);
  EXPECT_EQ(Trajectories(), "t-bad-utf8 t-deep-text t-nul-text ");
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"unreadable", 5}}));
  EXPECT_EQ(manifest_["unreadable"].size(), 5u);
  EXPECT_EQ(rows_[0]["messages"].At(1)["content"], "a\xEF\xBF\xBD\xEF\xBF\xBD b");
  EXPECT_EQ(rows_[2]["messages"].At(1)["content"].Text(), std::string("a\0b", 3));
  for (const std::string& line : lines_) EXPECT_EQ(line.find('\0'), std::string::npos);
}

TEST_F(ExportTest, NestedRequestIsUnreadable) {
  const Told told{.turns = {{"pass"}}};
  Begin(told, "t-1");
  Call("call-1", Nested(), Completion("x"), "t-1");
  End(told, "t-1");
  EXPECT_EQ(Exported().rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"unreadable", 1}}));
}

// Bytes behind the winner are not in the row, and so need not be readable.
TEST_F(ExportTest, WhatCameAfterTheWinnerIsNotRead) {
  const Told told{.turns = {{"pass"}}};
  Begin(told, "t-1");
  Asked(told, "t-1", "call-1", 1, {{"user", "u"}}, Completion("pass"));
  HandedIn(told, "t-1", 1, told.turns[0]);
  Asked(told, "t-1", "call-2", 2, {{"user", "u"}}, "<html>");
  End(told, "t-1");
  EXPECT_EQ(Exported().rows, 1);
}

TEST_F(ExportTest, NestedLaunchIsAnErrorThatNamesTheCampaign) {
  EventDraft launch = Draft(EventKind::kCampaignLaunched, "hostile");
  launch.campaign_id = "c-2";
  launch.payload = Nested();
  MustAppend({std::move(launch)});
  Error error = Export(Options()).error();
  EXPECT_EQ(error.code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(error.context, HasSubstr("launch of campaign c-2"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "openai-chat.jsonl")) << "rows without a manifest";
}

TEST_F(ExportTest, UnknownTokensAreNotTakenForFew) {
  const Told told{.turns = {{"pass"}}};
  Begin(told, "t-1");
  Batch batch;
  EventDraft intent = In(told, "t-1", EventKind::kLlmIntent, "call-1");
  intent.refs.push_back({"request", batch.AddRequest(RequestOf({{"user", "u"}}, {})).value()});
  EventDraft outcome = In(told, "t-1", EventKind::kLlmOutcome, "call-1", "accepted");
  outcome.round = 1;
  outcome.refs.push_back({"reply", batch.AddBlob(Completion("x")).value()});
  ASSERT_TRUE(batch.Add(intent));
  ASSERT_TRUE(batch.Add(outcome));
  ASSERT_TRUE(store_->Append(batch));
  End(told, "t-1");
  ExportOptions tokens = Options();
  tokens.max_tokens = 1'000'000;
  EXPECT_EQ(Exported(tokens).rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["tokens_unknown"], 1);
  Exported();
  EXPECT_EQ(manifest_["row_index"].At(0)["tokens"], nullptr);
}

TEST_F(ExportTest, TrajectoryWithoutAWinnerHasNoRow) {
  Tell("t-1", {.turns = {{"no files", ""}}, .winner = 0, .outcome = "unsolved"});
  ExportOptions any = Options();
  any.outcomes.clear();
  EXPECT_EQ(Exported(any).rows, 0);
  EXPECT_EQ(manifest_["excluded"]["no_winner"].At(0), "t-1");
}

// ---- forms

TEST_F(ExportTest, FormsWithoutWeightsLeaveOutWhatTheyCannotSay) {
  Tell("t-mixed", {.task = "a", .turns = {{"wrong", "INCORRECT"}, {"right"}}, .winner = 2});
  Tell("t-rising", {.task = "b", .turns = {{"one", "OK", 1.2}, {"two", "OK", 1.4}}, .winner = 2});
  for (RowFormat format : {RowFormat::kShareGpt, RowFormat::kTrlMessages}) {
    ExportOptions options = Options();
    options.format = format;
    Exported(options);
    EXPECT_EQ(Trajectories(), "t-rising ");
    EXPECT_EQ(manifest_["excluded"]["untrained_turns"].At(0), "t-mixed");
    options.history_masked = true;
    Exported(options);
    EXPECT_EQ(Trajectories(), "t-mixed t-rising t-rising ");
    EXPECT_THAT(manifest_["notes"].Dump(), HasSubstr("mask_history"));
  }
}

TEST_F(ExportTest, PromptCompletionTrainsEachNamedTurn) {
  Tell("t-1", {.turns = {{"one", "OK", 1.2}, {"wrong", "INCORRECT"}, {"two", "OK", 1.4}}, .winner = 3});
  ExportOptions options = Options();
  options.format = RowFormat::kTrlPromptCompletion;
  Exported(options);
  ASSERT_EQ(rows_.size(), 2u);
  EXPECT_EQ(rows_[0]["completion"].At(0)["content"], "one");
  EXPECT_EQ(rows_[0]["prompt"].size(), 2u);
  EXPECT_EQ(rows_[1]["completion"].At(0)["content"], "two");
  EXPECT_EQ(rows_[1]["prompt"].size(), 6u);
}

TEST_F(ExportTest, LongRowsOfATrajectoryAreCountedApart) {
  Tell("t-1", {.turns = {{"one", "OK", 1.2}, {"two", "OK", 1.4}}, .winner = 2});
  Tamper("UPDATE events SET completion_tokens = 900 WHERE kind = 'llm_outcome' AND round = 2");
  ExportOptions options = Options();
  options.format = RowFormat::kTrlPromptCompletion;
  options.max_tokens = 500;
  EXPECT_EQ(Exported(options).rows, 1);
  EXPECT_EQ(manifest_["counts"]["excluded_rows"]["max_tokens"], 1);
  EXPECT_EQ(manifest_["counts"]["exported"], 1);
}

class PreferenceTest : public ExportFixture {
 protected:
  ExportSummary Pairs() {
    ExportOptions options = Options();
    options.format = RowFormat::kTrlPreference;
    return Exported(options);
  }
  void Lose(const std::string& content) {
    Tamper("DELETE FROM blobs WHERE lower(hex(sha256)) = '" + Sha256Hex(content) + "'");
  }

  // One turn, asked in a dialect that has a place of its own for the system prompt.
  void TellAnthropic(const std::string& id, const std::string& system, const Turn& turn) {
    const Told told{.turns = {turn}};
    Begin(told, id);
    Batch batch;
    EventDraft intent = In(told, id, EventKind::kLlmIntent, id + "-call");
    intent.round = 1;
    intent.payload = R"({"dialect":"anthropic-messages"})";
    const std::string request = R"({"model":"m","max_tokens":9,"system":")" + system +
                                R"(","messages":[{"role":"user","content":"u"}]})";
    intent.refs.push_back({"request", batch.AddRequest(request).value()});
    EventDraft outcome = In(told, id, EventKind::kLlmOutcome, id + "-call", "accepted");
    outcome.round = 1;
    const std::string reply = R"({"type":"message","role":"assistant","stop_reason":"end_turn",)"
                              R"("content":[{"type":"text","text":")" + turn.reply + R"("}]})";
    outcome.refs.push_back({"reply", batch.AddBlob(reply).value()});
    ASSERT_TRUE(batch.Add(std::move(intent)));
    ASSERT_TRUE(batch.Add(std::move(outcome)));
    ASSERT_TRUE(store_->Append(batch));
    HandedIn(told, id, 1, turn);
    Evaluated(told, id, 1, "refine", turn);
    End(told, id);
  }
};

// Two answers make a pair only where they answer the same: the first prompt of two tries at one task.
TEST_F(PreferenceTest, BestAndWorstAnswerToOnePromptAreAPair) {
  Tell("t-1", {.turns = {{"good", "OK", 1.5}}});
  Tell("t-2", {.turns = {{"wrong", "INCORRECT"}, {"better", "OK", 1.3}}, .winner = 2});
  Tell("t-3", {.turns = {{"best", "OK", 2.0}}});
  Tell("t-other", {.task = "silu", .turns = {{"alone", "OK", 1.5}}});
  EXPECT_EQ(Pairs().rows, 1);
  EXPECT_EQ(rows_.at(0)["prompt"].size(), 2u);
  EXPECT_EQ(rows_[0]["chosen"].At(0)["content"], "best");
  EXPECT_EQ(rows_[0]["rejected"].At(0)["content"], "wrong");
  EXPECT_EQ(manifest_["row_index"].At(0)["rejected"]["trajectory_id"], "t-2");
  EXPECT_EQ(manifest_["excluded"]["no_pair"], Json(Json::Array{"t-1", "t-2", "t-other"}));
}

// A later turn answers more than the first prompt; within one trajectory no two turns answer the same.
TEST_F(PreferenceTest, TurnsOfOneTrajectoryAreNoPair) {
  Tell("t-1", {.turns = {{"wrong", "INCORRECT"}, {"right"}}, .winner = 2});
  EXPECT_EQ(Pairs().rows, 0);
}

TEST_F(PreferenceTest, WhatWasMeasuredAboutAsFastIsNotRejected) {
  Tell("t-1", {.turns = {{"one", "OK", 1.50}}});
  Tell("t-2", {.turns = {{"two", "OK", 1.45}}});
  EXPECT_EQ(Pairs().rows, 0);
  Tell("t-3", {.turns = {{"three", "OK", 1.2}}});
  EXPECT_EQ(Pairs().rows, 1);
}

TEST_F(PreferenceTest, CheatsUnmeasuredAndOtherCampaignsAreNoPartners) {
  Launch("c-2");
  Tell("t-1", {.turns = {{"good", "OK", 1.5}}});
  Tell("t-2", {.turns = {{"cheat", "R.TAMPER"}}, .outcome = "unsolved"});
  Tell("t-3", {.turns = {{"no files", ""}}, .winner = 0, .outcome = "unsolved"});
  Tell("t-4", {.turns = {{"wrong", "INCORRECT"}}, .outcome = "unsolved", .campaign = "c-2"});
  EXPECT_EQ(Pairs().rows, 0);
}

// Every call of every trajectory was read: 52 s for 91 pairs of 4,000 trajectories.
TEST_F(PreferenceTest, OnlyWhatAPairNeedsIsRead) {
  Tell("t-1", {.turns = {{"good", "OK", 1.5}}});
  Tell("t-2", {.turns = {{"wrong", "INCORRECT"}, {"later", "OK", 1.3}}, .winner = 2});
  Lose(Completion("later"));
  EXPECT_EQ(Pairs().rows, 1);
  EXPECT_EQ(rows_.at(0)["rejected"].At(0)["content"], "wrong");
  EXPECT_EQ(manifest_["excluded"]["no_pair"], Json(Json::Array{"t-2"}));
}

TEST_F(PreferenceTest, AnswerThatCannotBeReadMakesRoomForTheNext) {
  Tell("t-1", {.turns = {{"best", "OK", 2.0}}});
  Tell("t-2", {.turns = {{"good", "OK", 1.5}}});
  Tell("t-3", {.turns = {{"worst", "INCORRECT"}}, .outcome = "unsolved"});
  Tell("t-4", {.turns = {{"bad", "OK", 1.1}}});
  Lose(Completion("best"));
  Lose(Completion("worst"));
  EXPECT_EQ(Pairs().rows, 1);
  EXPECT_EQ(rows_.at(0)["chosen"].At(0)["content"], "good");
  EXPECT_EQ(rows_[0]["rejected"].At(0)["content"], "bad");
  EXPECT_EQ(manifest_["excluded"], Json({{"no_pair", Json(Json::Array{"t-4"})},
                                         {"outcome", Json(Json::Array{"t-3"})},
                                         {"unreadable", Json(Json::Array{"t-1"})}}));
  EXPECT_EQ(manifest_["unreadable"].At(0)["trajectory_id"], "t-1");
}

TEST_F(PreferenceTest, SeedsAreNoPartOfAPrompt) {
  Tell("t-1", {.turns = {{"good", "OK", 1.5}}, .seed = 1});
  Tell("t-2", {.turns = {{"wrong", "INCORRECT"}}, .outcome = "unsolved", .seed = 2});
  EXPECT_EQ(Pairs().rows, 1);
}

TEST_F(PreferenceTest, SystemPromptOutsideOfTheListIsPartOfAPrompt) {
  TellAnthropic("t-1", "You write passes.", {"good", "OK", 1.5});
  TellAnthropic("t-2", "You write other passes.", {"wrong", "INCORRECT"});
  EXPECT_EQ(Pairs().rows, 0);
  TellAnthropic("t-3", "You write passes.", {"wrong too", "INCORRECT"});
  EXPECT_EQ(Pairs().rows, 1);
  EXPECT_EQ(rows_.at(0)["prompt"].At(0)["content"], "You write passes.");
  EXPECT_EQ(rows_[0]["rejected"].At(0)["content"], "wrong too");
}

// ---- the files

TEST_F(ExportTest, SameJournalGivesTheSameBytesAndTheManifestSaysWhence) {
  Simple("t-1", "a", 1.5);
  auto first = Exported();
  const std::vector<std::string> lines = lines_;
  const std::string manifest = manifest_.Dump();
  EXPECT_EQ(Exported().files.at(0).sha256, first.files.at(0).sha256);
  EXPECT_EQ(lines_, lines);
  EXPECT_EQ(manifest_.Dump(), manifest);
  EXPECT_EQ(manifest_["schema"], "passnet.export_manifest/2");
  const Json& file = manifest_["files"].At(0);
  EXPECT_EQ(file["file"], "openai-chat.jsonl");
  EXPECT_EQ(file["sha256"], Sha256Hex(lines[0] + "\n"));
  EXPECT_EQ(file["size_bytes"], lines[0].size() + 1);
  EXPECT_EQ(file["rows"], 1);
  EXPECT_EQ(manifest_["tool_version"], "1.2.3");
  EXPECT_EQ(manifest_["options"]["min_speedup"], 1.0);
  EXPECT_EQ(manifest_["campaigns"].At(0)["prices"]["m"]["prompt_usd"], 1);
  Head head = ParseHead(manifest_["campaigns"].At(0)["head"].Text()).value();
  EXPECT_FALSE(VerifyAll({head}).first);
  EXPECT_THAT(manifest_["notes"].At(0).Text(), HasSubstr("fewer than 10"));
}

TEST_F(ExportTest, UnknownCampaignIsBadInput) {
  ExportOptions options = Options();
  options.campaign_ids = {"c-none"};
  EXPECT_EQ(Export(options).error().code, ErrorCode::kInvalidArgument);
}

// The full disk of an export must not leave half a training file that looks whole.
TEST_F(ExportTest, FailedWriteLeavesNoRowsFile) {
  Simple("t-1", "a", 1.5);
  std::filesystem::create_directory(folder_ / "out");
  std::filesystem::create_symlink("/dev/full", folder_ / "out" / "openai-chat.jsonl.part");
  EXPECT_EQ(Export(Options()).error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "openai-chat.jsonl"));
}

}  // namespace
}  // namespace passnet::trajectories
