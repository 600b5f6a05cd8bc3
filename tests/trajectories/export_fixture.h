// A journal with trajectories as the loop writes them, told in a few words, and an export of it read back.
// Threads: thread-compatible.
#pragma once

#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"
#include "evaluator/api/evaluation.h"
#include "tests/trajectories/journal_fixture.h"
#include "trajectories/export/export.h"

namespace passnet::trajectories {

inline std::string Completion(const std::string& text) {
  Json choices = Json::MakeArray();
  choices.Push({{"index", 0}, {"finish_reason", "stop"}, {"message", {{"role", "assistant"}, {"content", text}}}});
  return Json({{"choices", std::move(choices)}}).Dump();
}

using Messages = std::vector<std::pair<std::string, std::string>>;

// One round of a trajectory: what the model said, and how it was judged.
struct Turn {
  std::string reply;
  std::string verdict = "OK";  // empty: nothing was measured, the reply had no files
  double speedup = 1.5;        // of each graph; of what is not OK the score of a failure
  std::map<std::string, std::string> files = {};  // empty: one, made of the reply
};

struct Told {
  std::string task = "gelu";
  std::vector<Turn> turns = {};
  int64_t winner = 1;                       // round; 0: none
  std::optional<double> final_speedup = {};  // absent: as in the winning round
  std::string outcome = "solved";
  std::string task_hash = "";
  std::optional<double> inductor = {};
  std::string campaign = "c-1";
  std::optional<int64_t> seed = {};  // of its requests
  std::optional<double> start = {};  // score of what it starts from
  std::map<std::string, std::string> start_files = {};
};

class ExportFixture : public JournalTest {
 protected:
  void SetUp() override {
    JournalTest::SetUp();
    OpenStore();
    Launch("c-1");
  }

  void Launch(const std::string& campaign) {
    EventDraft launch = Draft(EventKind::kCampaignLaunched, "demo");
    launch.campaign_id = campaign;
    launch.payload = R"({"schema":"passnet.campaign_launch/1","prices":{"m":{"prompt_usd":1}}})";
    MustAppend({launch});
  }

  EventDraft In(const Told& told, const std::string& id, EventKind kind, std::string subject, std::string label = "") {
    EventDraft draft = Of(id, Draft(kind, std::move(subject), std::move(label)));
    draft.campaign_id = told.campaign;
    return draft;
  }

  static std::string ReportPayload(const std::string& verdict, double speedup) {
    Json graphs = Json::MakeArray();
    for (int i = 0; i < 2; ++i) graphs.Push({{"verdict", verdict}, {"speedup_call", verdict == "OK" ? speedup : 0}});
    return Json({{"schema", "passnet.evaluation/1"}, {"graphs", std::move(graphs)}}).Dump();
  }

  // A failure's score is b's neighbour; nothing here depends on which.
  static double ScoreOf(const Turn& turn) { return turn.verdict == "OK" ? turn.speedup : 0.11; }

  void Asked(const Told& told, const std::string& id, const std::string& call, int64_t round, const Messages& request,
             const std::string& body, const std::string& label = "accepted") {
    Batch batch;
    EventDraft intent = In(told, id, EventKind::kLlmIntent, call);
    intent.round = round;
    intent.refs.push_back({"request", batch.AddRequest(RequestOf(request, told.seed)).value()});
    EventDraft outcome = In(told, id, EventKind::kLlmOutcome, call, label);
    outcome.round = round;
    outcome.refs.push_back({"reply", batch.AddBlob(body).value()});
    outcome.prompt_tokens = 100;
    outcome.completion_tokens = 20;
    ASSERT_TRUE(batch.Add(std::move(intent)));
    ASSERT_TRUE(batch.Add(std::move(outcome)));
    ASSERT_TRUE(store_->Append(batch));
  }

  static std::string RequestOf(const Messages& messages, std::optional<int64_t> seed) {
    Json list = Json::MakeArray();
    for (const auto& [role, content] : messages) list.Push({{"role", role}, {"content", content}});
    Json request{{"model", "m"}, {"messages", std::move(list)}};
    if (seed) request.Set("seed", *seed);
    return request.Dump();
  }

  void Evaluated(const Told& told, const std::string& id, int64_t round, const char* purpose, const Turn& turn) {
    const std::string evaluation = id + "-" + purpose + std::to_string(round);
    EventDraft intent = In(told, id, EventKind::kEvaluationIntent, evaluation, purpose);
    intent.round = round;
    EventDraft report = Scored(In(told, id, EventKind::kEvaluationReport, evaluation, turn.verdict), ScoreOf(turn), round);
    report.payload = ReportPayload(turn.verdict, turn.speedup);
    MustAppend({std::move(intent), std::move(report)});
  }

  void HandedIn(const Told& told, const std::string& id, int64_t round, const Turn& turn) {
    Batch batch;
    EventDraft candidate = In(told, id, EventKind::kCandidate, Sha256Hex(id + turn.reply));
    candidate.round = round;
    const std::map<std::string, std::string> one = {{"Pass.py", "# " + id + "\ntext = '" + id + turn.reply + "'\n"}};
    for (const auto& [name, text] : turn.files.empty() ? one : turn.files) {
      candidate.refs.push_back({"file:" + name, batch.AddBlob(text).value()});
    }
    ASSERT_TRUE(batch.Add(std::move(candidate)));
    ASSERT_TRUE(store_->Append(batch));
  }

  void Begin(const Told& told, const std::string& id) {
    Batch batch;
    EventDraft start = In(told, id, EventKind::kTrajectoryStarted, told.task);
    Json payload{{"schema", "passnet.trajectory_start/1"},
                 {"task", told.task},
                 {"task_path", "/tasks/" + told.task},
                 {"task_hash", told.task_hash}};
    if (told.start) payload.Set("start", {{"trajectory_id", "t-0"}, {"verdict", "OK"}, {"score", *told.start}});
    start.payload = payload.Dump();
    for (const auto& [name, text] : told.start_files) {
      start.refs.push_back({"start:" + name, batch.AddBlob(text).value()});
    }
    ASSERT_TRUE(batch.Add(std::move(start)));
    clock_.Advance(std::chrono::milliseconds(1));
    ASSERT_TRUE(store_->Append(batch));
  }

  void End(const Told& told, const std::string& id) {
    EventDraft end = In(told, id, EventKind::kTrajectoryFinished, "", told.outcome);
    if (told.winner > 0) {
      Turn last = told.turns.at(static_cast<size_t>(told.winner - 1));
      last.speedup = told.final_speedup.value_or(last.speedup);
      Evaluated(told, id, told.winner, "final", last);
      end.subject = Sha256Hex(id + last.reply);
      end.round = told.winner;
      end.score = ScoreOf(last);
    }
    if (told.inductor) {
      EventDraft baseline = In(told, id, EventKind::kBaseline, told.task, "inductor");
      baseline.payload = Json({{"schema", "passnet.baseline/1"}, {"aggregated_score", *told.inductor}}).Dump();
      MustAppend({std::move(baseline)});
    }
    MustAppend({std::move(end)});
  }

  // A finished trajectory whose history only grew.
  void Tell(const std::string& id, const Told& told) {
    Begin(told, id);
    Messages history = {{"system", "You write passes."}, {"user", "Write one for " + told.task + "."}};
    for (size_t i = 0; i < told.turns.size(); ++i) {
      const Turn& turn = told.turns[i];
      const auto round = static_cast<int64_t>(i + 1);
      const std::string call = id + "-call-" + std::to_string(round);
      Asked(told, id, call, round, history, Completion(turn.reply));
      MustAppend({In(told, id, EventKind::kReplyParsed, call, turn.verdict.empty() ? "format_error" : "ok")});
      if (!turn.verdict.empty()) {
        HandedIn(told, id, round, turn);
        Evaluated(told, id, round, "refine", turn);
      }
      history.emplace_back("assistant", turn.reply);
      history.emplace_back("user", turn.verdict.empty() ? "No files." : "It was " + turn.verdict + ".");
    }
    End(told, id);
  }

  // One turn, solved.
  void Simple(const std::string& id, const std::string& task, double speedup, const std::string& reply = "") {
    Told told;
    told.task = task;
    told.turns = {{reply.empty() ? "done " + id : reply, "OK", speedup}};
    Tell(id, told);
  }

  // As the layers that know the verdicts pass them down.
  ExportOptions Options() const {
    ExportOptions options;
    options.store_path = path_;
    options.folder = (folder_ / "out").string();
    for (const std::string& name : evaluator::VerdictsBarredFromTraining()) options.barred_verdicts.insert(name);
    options.good_verdict = evaluator::VerdictName(evaluator::Verdict::kOk);
    options.tool_version = "1.2.3";
    return options;
  }

  ExportSummary Exported(const ExportOptions& options) {
    auto summary = Export(options);
    EXPECT_TRUE(summary) << ToString(summary.error());
    if (!summary) return {};
    manifest_ = ParseJson(ReadFile(summary.value().manifest_path, 1 << 20).value()).value();
    lines_.clear();
    rows_.clear();
    for (const ExportedFile& file : summary.value().files) {
      std::istringstream lines(ReadFile(file.path, 1 << 24).value());
      for (std::string line; std::getline(lines, line);) {
        lines_.push_back(line);
        rows_.push_back(ParseJson(line).value());
      }
    }
    // Nobody is forgotten and nobody counted twice, whatever the options.
    size_t left_out = 0;
    for (const auto& [reason, ids] : summary.value().left_out.trajectories) left_out += ids.size();
    EXPECT_EQ(summary.value().trajectories, summary.value().exported + static_cast<int64_t>(left_out));
    return summary.value();
  }
  ExportSummary Exported() { return Exported(Options()); }

  // Of the rows, in order.
  std::string Trajectories() {
    std::string ids;
    for (const Json& row : manifest_["row_index"].Items()) ids += row["trajectory_id"].Text() + " ";
    return ids;
  }

  // "0 1": the weights of a row's assistant messages.
  std::string Weights(size_t row = 0) {
    std::string weights;
    for (const Json& message : rows_.at(row)["messages"].Items()) {
      if (message["role"] == "assistant") weights += std::to_string(message["weight"].Integer(-1)) + " ";
    }
    return weights;
  }

  std::vector<std::string> lines_;
  std::vector<Json> rows_;
  Json manifest_;
};

}  // namespace passnet::trajectories
