#include <gmock/gmock.h>

#include "base/file.h"
#include "base/json.h"
#include "evaluator/api/evaluation.h"
#include "evaluator/api/json.h"
#include "tests/trajectories/journal_fixture.h"
#include "trajectories/export/openai_chat.h"

namespace passnet::trajectories {
namespace {

using testing::HasSubstr;

std::string Completion(const std::string& text) {
  Json choices = Json::MakeArray();
  choices.Push({{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}});
  return Json({{"choices", std::move(choices)}}).Dump();
}

std::string Streamed(const std::vector<std::string>& pieces) {
  std::string body = ": keep-alive\n\n";
  for (const std::string& piece : pieces) {
    Json choices = Json::MakeArray();
    choices.Push({{"index", 0}, {"delta", Json({{"content", piece}})}});
    body += "data: " + Json({{"choices", std::move(choices)}}).Dump() + "\r\n\r\n";
  }
  return body + "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\ndata: [DONE]\n\n";
}

using Messages = std::vector<std::pair<std::string, std::string>>;

class ExportTest : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    OpenStore();
    EventDraft launch = Draft(EventKind::kCampaignLaunched, "demo");
    launch.payload = R"({"schema":"passnet.campaign_launch/1","prices":{"m":{"prompt_usd":1}}})";
    MustAppend({launch});
  }

  // A call and how its reply parsed.
  void Turn(const std::string& trajectory, const std::string& call, const Messages& request, const std::string& reply,
            const std::string& parsed = "ok") {
    Call(call, ChatRequest(request), reply, trajectory);
    MustAppend({Of(trajectory, Draft(EventKind::kReplyParsed, call, parsed))});
  }

  void Finish(const std::string& trajectory, const std::string& outcome, double score, const std::string& hash) {
    MustAppend({Scored(Of(trajectory, Draft(EventKind::kTrajectoryFinished, hash, outcome)), score, 1)});
  }

  // As the layers that know the verdicts pass them down.
  static std::set<std::string> Barred() {
    std::vector<std::string> names = evaluator::VerdictsBarredFromTraining();
    return {names.begin(), names.end()};
  }

  // A finished trajectory of one call.
  void Simple(const std::string& id, const std::string& task, double score, const std::string& hash,
              const std::string& verdict = "OK", const std::string& outcome = "solved") {
    MustAppend({Of(id, Draft(EventKind::kTrajectoryStarted, task))});
    Turn(id, id + "-1", {{"system", "s"}, {"user", "do " + id}}, Completion("done " + id));
    MustAppend({Scored(Of(id, Draft(EventKind::kEvaluationReport, id + "-e", verdict)), score, 1)});
    Finish(id, outcome, score, hash);
  }

  ExportSummary Export(ExportOptions options = {}) {
    options.store_path = path_;
    options.folder = (folder_ / "out").string();
    options.tool_version = "1.2.3";
    options.barred_verdicts = Barred();
    auto summary = ExportOpenAiChat(options);
    EXPECT_TRUE(summary) << ToString(summary.error());
    if (!summary) return {};
    bytes_ = ReadFile(summary.value().rows_path, 1 << 20).value();
    manifest_ = ParseJson(ReadFile(summary.value().manifest_path, 1 << 20).value()).value();
    rows_.clear();
    lines_.clear();
    std::istringstream lines(bytes_);
    for (std::string line; std::getline(lines, line);) {
      lines_.push_back(line);
      rows_.push_back(ParseJson(line).value());
    }
    return summary.value();
  }

  std::string Tasks() {
    std::string tasks;
    for (const Json& row : manifest_["row_index"].Items()) tasks += row["trajectory_id"].Text() + " ";
    return tasks;
  }

  std::string bytes_;
  std::vector<std::string> lines_;
  std::vector<Json> rows_;
  Json manifest_;
};

TEST_F(ExportTest, LinearHistoryIsOneRowWithWeights) {
  MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  Messages history = {{"system", "s"}, {"user", "write"}};
  Turn("t-1", "call-1", history, Completion("no files here"), "format_error");
  history.insert(history.end(), {{"assistant", "no files here"}, {"user", "give files"}});
  Turn("t-1", "call-2", history, Streamed({"first ", "pass"}));
  history.insert(history.end(), {{"assistant", "first pass"}, {"user", "faster"}});
  Turn("t-1", "call-3", history, Completion("second pass"));
  Finish("t-1", "solved", 1.5, "hash");
  auto summary = Export();
  EXPECT_EQ(summary.rows, 1);
  EXPECT_EQ(lines_.at(0),
            R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"write"},)"
            R"({"role":"assistant","content":"no files here","weight":0},{"role":"user","content":"give files"},)"
            R"({"role":"assistant","content":"first pass","weight":1},{"role":"user","content":"faster"},)"
            R"({"role":"assistant","content":"second pass","weight":1}]})");
  const Json& entry = manifest_["row_index"].At(0);
  EXPECT_EQ(entry["id"], Sha256Hex(lines_[0]));
  EXPECT_EQ(entry["calls"], 3);
  EXPECT_EQ(entry["tokens"], 120);
}

TEST_F(ExportTest, RewrittenHistoryIsOneRowACall) {
  MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  Turn("t-1", "call-1", {{"user", "write"}}, Completion("long first pass"));
  Turn("t-1", "call-2", {{"user", "write"}, {"assistant", "(shortened)"}, {"user", "faster"}}, Completion("second"));
  Finish("t-1", "solved", 1.5, "hash");
  EXPECT_EQ(Export().rows, 2);
  EXPECT_EQ(rows_[0]["messages"].size(), 2u);
  EXPECT_EQ(rows_[0]["messages"].At(1)["weight"], 1);
  EXPECT_EQ(rows_[1]["messages"].At(1)["weight"], 0);
  EXPECT_EQ(rows_[1]["messages"].At(3)["weight"], 1);
}

TEST_F(ExportTest, AssistantTextOfThePromptIsNotTrained) {
  MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  Turn("t-1", "call-1", {{"user", "example"}, {"assistant", "its answer"}, {"user", "write"}}, Completion("pass"));
  Finish("t-1", "solved", 1.5, "hash");
  Export();
  EXPECT_EQ(rows_.at(0)["messages"].At(1)["weight"], 0);
  EXPECT_EQ(rows_.at(0)["messages"].At(3)["weight"], 1);
}

TEST_F(ExportTest, OnlyFinishedHonestWorkIsExported) {
  Simple("t-good", "a", 1.5, "h1");
  Simple("t-cheat", "b", 9.0, "h2", "R.TAMPER");
  Simple("t-infra", "c", 1.0, "h3", "OK", "infra");
  Simple("t-weak", "d", 0.1, "h4", "INCORRECT", "unsolved");
  MustAppend({Of("t-running", Draft(EventKind::kTrajectoryStarted, "e"))});
  auto summary = Export();
  EXPECT_EQ(Tasks(), "t-good ");
  EXPECT_EQ(summary.trajectories, 5);
  EXPECT_EQ(summary.excluded,
            (std::map<std::string, int64_t>{{"infra", 1}, {"integrity", 1}, {"not_finished", 1}, {"outcome", 1}}));
  EXPECT_EQ(manifest_["counts"]["excluded"]["integrity"], 1);
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
class VerdictTest : public ExportTest {
 protected:
  template <typename AddReports>
  void ExpectExported(AddReports add_reports) {
    std::string expected;
    for (int i = 0; i <= static_cast<int>(Verdict::kOk); ++i) {
      auto verdict = static_cast<Verdict>(i);
      std::string id = "t-" + std::to_string(i);
      MustAppend({Of(id, Draft(EventKind::kTrajectoryStarted, id))});
      Turn(id, id + "-1", {{"user", "do " + id}}, Completion("done " + id));
      add_reports(id, verdict);
      Finish(id, "solved", 1.5, id);
      if (MayTeach(verdict)) expected += id + " ";
    }
    Export();
    EXPECT_EQ(Tasks(), expected);
    EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"integrity", 8}}));
  }

  EventDraft Report(const std::string& trajectory, int round, Verdict verdict) {
    EventDraft draft = Draft(EventKind::kEvaluationReport, trajectory + "-e" + std::to_string(round));
    draft.label = evaluator::VerdictName(verdict);
    return Scored(Of(trajectory, std::move(draft)), 1, round);
  }
};

// The filter knew "tamper" where the evaluator writes "R.TAMPER", and so did its test: cheats were exported.
TEST_F(VerdictTest, OfTheLastRoundDecides) {
  ExpectExported([this](const std::string& id, Verdict verdict) {
    MustAppend({Report(id, 1, Verdict::kOk), Report(id, 2, verdict)});
  });
}

TEST_F(VerdictTest, OfAnEarlierRoundDecides) {
  ExpectExported([this](const std::string& id, Verdict verdict) {
    MustAppend({Report(id, 1, verdict), Report(id, 2, Verdict::kOk)});
  });
}

// A report is called by its worst graph: a crash comes before a faked clock, which teaches nobody all the same.
TEST_F(VerdictTest, OfOneGraphDecides) {
  ExpectExported([this](const std::string& id, Verdict verdict) {
    evaluator::EvaluationReport report;
    report.verdict = Verdict::kCrash;
    report.graphs.resize(2);
    report.graphs[0].verdict = Verdict::kCrash;
    report.graphs[1].verdict = verdict;
    EventDraft draft = Report(id, 1, report.verdict);
    draft.payload = evaluator::ToJson(report);
    MustAppend({std::move(draft), Report(id, 2, Verdict::kOk)});
  });
}

// Lists in lists: a reader that recursed would have no stack left.
const std::string& Nested() {
  static const std::string nested = R"({"messages":)" + std::string(1'000'000, '[');
  return nested;
}

TEST_F(ExportTest, ReportThatCannotBeReadVouchesForNothing) {
  EventDraft report = Of("t-1", Draft(EventKind::kEvaluationReport, "e-1", "OK"));
  report.payload = Nested();
  MustAppend({Of("t-1", Draft(EventKind::kTrajectoryStarted, "a"))});
  Turn("t-1", "call-1", {{"user", "u"}}, Completion("x"));
  MustAppend({std::move(report)});
  Finish("t-1", "solved", 1.5, "h1");
  EXPECT_EQ(Export().rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["unreadable"], 1);
}

// One damaged payload, of a trajectory that is not even exported, once ended the whole export.
TEST_F(ExportTest, DamagedPayloadCostsItsOwnTrajectoryOnly) {
  Simple("t-good", "a", 1.5, "h1");
  EventDraft large = Of("t-bad", Draft(EventKind::kFeedback, "f"));
  large.payload = Json(std::string(10'000, 'x')).Dump();
  MustAppend({Of("t-bad", Draft(EventKind::kTrajectoryStarted, "b"))});
  const std::string digest = Sha256Hex(large.payload);
  MustAppend({std::move(large)});
  Finish("t-bad", "solved", 1.5, "h2");
  Tamper("DELETE FROM blobs WHERE lower(hex(sha256)) = '" + digest + "'");
  EXPECT_EQ(Export().rows, 1);
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"unreadable", 1}}));
}

TEST_F(ExportTest, NestedRequestOrReplyIsUnreadable) {
  for (std::string id : {"t-1", "t-2", "t-3"}) MustAppend({Of(id, Draft(EventKind::kTrajectoryStarted, id))});
  Call("call-1", Nested(), Completion("x"), "t-1");
  Turn("t-2", "call-2", {{"user", "u"}}, Nested());
  Turn("t-3", "call-3", {{"user", "u"}}, "data: " + Nested() + "\n\n");
  for (std::string id : {"t-1", "t-2", "t-3"}) Finish(id, "solved", 1.5, id);
  EXPECT_EQ(Export().rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"], Json({{"unreadable", 3}}));
}

TEST_F(ExportTest, NestedLaunchIsAnErrorThatNamesTheCampaign) {
  EventDraft launch = Draft(EventKind::kCampaignLaunched, "hostile");
  launch.campaign_id = "c-2";
  launch.payload = Nested();
  MustAppend({std::move(launch)});
  ExportOptions options;
  options.store_path = path_;
  options.folder = (folder_ / "out").string();
  options.barred_verdicts = Barred();
  Error error = ExportOpenAiChat(options).error();
  EXPECT_EQ(error.code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(error.context, HasSubstr("launch of campaign c-2"));
  EXPECT_FALSE(std::filesystem::exists(options.folder + "/openai-chat.jsonl")) << "rows without a manifest";
}

TEST_F(ExportTest, CallerThatNamesNoVerdictIsRefused) {
  Simple("t-1", "a", 1.5, "h1");
  ExportOptions options;
  options.store_path = path_;
  options.folder = (folder_ / "out").string();
  EXPECT_EQ(ExportOpenAiChat(options).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(ExportTest, FiltersChooseAndAreCounted) {
  Simple("t-1", "a", 1.5, "h1");
  Simple("t-2", "a", 2.0, "h2");
  Simple("t-3", "b", 1.2, "h3");
  Simple("t-4", "c", 1.9, "h2");  // the same pass as t-2, slower this time
  Export();
  EXPECT_EQ(Tasks(), "t-1 t-2 t-3 ");
  EXPECT_EQ(manifest_["counts"]["excluded"]["duplicate"], 1);
  ExportOptions best;
  best.best_only = true;
  Export(best);
  EXPECT_EQ(Tasks(), "t-2 t-3 ");
  EXPECT_EQ(manifest_["counts"]["excluded"]["not_best"], 1);
  ExportOptions score;
  score.min_score = 1.5;
  Export(score);
  EXPECT_EQ(Tasks(), "t-1 t-2 ");
  ExportOptions guard;
  guard.excluded_tasks = ParseTaskList("# evaluation split\n a  # the first\n\nzzz\r\n");
  Export(guard);
  EXPECT_EQ(Tasks(), "t-3 t-4 ");
  EXPECT_EQ(manifest_["counts"]["excluded"]["excluded_task"], 2);
  ExportOptions tokens;
  tokens.max_tokens = 119;  // each call used 120
  EXPECT_EQ(Export(tokens).rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["max_tokens"], 3);
}

TEST_F(ExportTest, UnknownTokensAreNotTakenForFew) {
  MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  Batch batch;
  EventDraft intent = Draft(EventKind::kLlmIntent, "call-1");
  intent.refs.push_back({"request", batch.AddRequest(ChatRequest({{"user", "u"}})).value()});
  EventDraft outcome = Draft(EventKind::kLlmOutcome, "call-1", "accepted");
  outcome.refs.push_back({"reply", batch.AddBlob(Completion("x")).value()});
  ASSERT_TRUE(batch.Add(intent));
  ASSERT_TRUE(batch.Add(outcome));
  ASSERT_TRUE(store_->Append(batch));
  Finish("t-1", "solved", 1.5, "hash");
  ExportOptions tokens;
  tokens.max_tokens = 1'000'000;
  EXPECT_EQ(Export(tokens).rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["tokens_unknown"], 1);
  Export();
  EXPECT_EQ(manifest_["row_index"].At(0)["tokens"], nullptr);
}

TEST_F(ExportTest, UnreadableReplyLeavesTheOthersIn) {
  Simple("t-1", "a", 1.5, "h1");
  MustAppend({Of("t-2", Draft(EventKind::kTrajectoryStarted, "b"))});
  Turn("t-2", "call-2", {{"user", "u"}}, "<html>");
  Finish("t-2", "solved", 1.5, "h2");
  Export();
  EXPECT_EQ(Tasks(), "t-1 ");
  EXPECT_EQ(manifest_["counts"]["excluded"]["unreadable"], 1);
}

TEST_F(ExportTest, NothingToTrainIsLeftOut) {
  MustAppend({Draft(EventKind::kTrajectoryStarted, "gelu")});
  Turn("t-1", "call-1", {{"user", "u"}}, Completion("no files"), "format_error");
  Finish("t-1", "unsolved", 0.1, "");
  ExportOptions any;
  any.outcomes.clear();
  EXPECT_EQ(Export(any).rows, 0);
  EXPECT_EQ(manifest_["counts"]["excluded"]["nothing_to_train"], 1);
}

TEST_F(ExportTest, SameJournalGivesTheSameBytesAndTheManifestSaysWhence) {
  Simple("t-1", "a", 1.5, "h1");
  auto first = Export();
  std::string rows = bytes_;
  std::string manifest = manifest_.Dump();
  EXPECT_EQ(Export().sha256, first.sha256);
  EXPECT_EQ(bytes_, rows);
  EXPECT_EQ(manifest_.Dump(), manifest);
  EXPECT_EQ(manifest_["schema"], "passnet.export_manifest/1");
  EXPECT_EQ(manifest_["sha256"], Sha256Hex(rows));
  EXPECT_EQ(manifest_["size_bytes"], rows.size());
  EXPECT_EQ(manifest_["tool_version"], "1.2.3");
  EXPECT_EQ(manifest_["campaigns"].At(0)["prices"]["m"]["prompt_usd"], 1);
  Head head = ParseHead(manifest_["campaigns"].At(0)["head"].Text()).value();
  EXPECT_FALSE(VerifyAll({head}).first);
  EXPECT_THAT(manifest_["notes"].At(0).Text(), HasSubstr("fewer than 10"));
}

TEST_F(ExportTest, UnknownCampaignIsBadInput) {
  ExportOptions options;
  options.store_path = path_;
  options.folder = (folder_ / "out").string();
  options.campaign_ids = {"c-none"};
  options.barred_verdicts = Barred();
  EXPECT_EQ(ExportOpenAiChat(options).error().code, ErrorCode::kInvalidArgument);
}

// The full disk of an export must not leave half a training file that looks whole.
TEST_F(ExportTest, FailedWriteLeavesNoRowsFile) {
  Simple("t-1", "a", 1.5, "h1");
  std::filesystem::create_directory(folder_ / "out");
  std::filesystem::create_symlink("/dev/full", folder_ / "out" / "openai-chat.jsonl.part");
  ExportOptions options;
  options.store_path = path_;
  options.folder = (folder_ / "out").string();
  options.barred_verdicts = Barred();
  EXPECT_EQ(ExportOpenAiChat(options).error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out" / "openai-chat.jsonl"));
}

}  // namespace
}  // namespace passnet::trajectories
