#include "trajectories/export/export.h"

#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "trajectories/export/conversation.h"
#include "trajectories/export/manifest.h"
#include "trajectories/export/preference.h"
#include "trajectories/export/row_file.h"
#include "trajectories/export/row_lines.h"
#include "trajectories/export/selection.h"

namespace passnet::trajectories {
namespace {

namespace fs = std::filesystem;

// Writes what was selected: one trajectory in memory at a time.
class RowWriter {
 public:
  RowWriter(const ExportOptions& options, Reader* reader, const Selection& selection, Exclusions* left_out)
      : options_(options), reader_(reader), selection_(selection), left_out_(*left_out), split_(options.split) {}

  Status Open() {
    std::vector<std::string> parts;
    for (const SplitPart& part : options_.split) parts.push_back(part.name);
    if (parts.empty()) parts.emplace_back();
    for (const std::string& part : parts) {
      ExportedFile file;
      file.part = part;
      file.name = std::string(RowFormatName(options_.format)) + (part.empty() ? "" : "." + part) + ".jsonl";
      file.path = (fs::path(options_.folder) / file.name).string();
      ASSIGN_OR_RETURN(RowFile rows, RowFile::Create(file.path));
      files_.push_back(std::move(file));
      rows_.push_back(std::move(rows));
    }
    return OkStatus();
  }

  Status WriteAll() {
    for (const Candidate& candidate : selection_.chosen()) {
      split_.Add(candidate.figures.task, selection_.OpsOf(candidate.figures.task));
    }
    if (options_.format == RowFormat::kTrlPreference) return WritePairs();
    for (const Candidate& candidate : selection_.chosen()) RETURN_IF_ERROR(WriteTrajectory(candidate));
    return OkStatus();
  }

  Status Commit() {
    for (size_t i = 0; i < rows_.size(); ++i) {
      files_[i].size_bytes = rows_[i].size_bytes();
      ASSIGN_OR_RETURN(files_[i].sha256, rows_[i].Commit());
    }
    return OkStatus();
  }

  void Tell(ExportSummary* summary) {
    summary->files = files_;
    summary->exported = static_cast<int64_t>(exported_.size());
    summary->tasks = static_cast<int64_t>(tasks_.size());
    for (const ExportedFile& file : files_) summary->rows += file.rows;
    for (const auto& [key, task] : tasks_) {
      const OpSequences& ops = selection_.OpsOf(task);
      if (ops.hashes.empty()) summary->tasks_unknown.emplace_back(task.name, ops.unknown);
    }
  }
  Json TakeRowIndex() { return std::move(row_index_); }

 private:
  Result<std::vector<Event>> EventsOf(const Candidate& candidate) {
    EventQuery query;
    query.campaign_id = candidate.state.campaign_id;
    query.trajectory_id = candidate.state.trajectory_id;
    query.limit = std::numeric_limits<int64_t>::max();
    query.with_payload = false;
    return reader_->Events(query);
  }

  void Exclude(const char* reason, const Candidate& candidate) {
    left_out_.trajectories[reason].push_back(candidate.state.trajectory_id);
  }

  void Unreadable(const Candidate& candidate, const std::string& why) {
    Exclude("unreadable", candidate);
    left_out_.unreadable.emplace_back(candidate.state.trajectory_id, why);
  }

  // Up to the winning one, with which of them are trained.
  Result<std::vector<ModelCall>> CallsOf(const Candidate& candidate) {
    ASSIGN_OR_RETURN(const auto events, EventsOf(candidate));
    std::vector<ModelCall> calls;
    for (const SettledCall& settled : TrainedCalls(candidate, events)) {
      ASSIGN_OR_RETURN(ModelCall call, ReadCall(reader_, settled));
      calls.push_back(std::move(call));
    }
    return calls;
  }

  // What came after the winner is not among them, and so not even read.
  std::vector<SettledCall> TrainedCalls(const Candidate& candidate, const std::vector<Event>& events) const {
    std::vector<SettledCall> calls = SettledCalls(events, candidate.figures.winner_round);
    MarkTrained(options_.turns, candidate.figures, &calls);
    return calls;
  }

  Status WriteTrajectory(const Candidate& candidate) {
    auto read = CallsOf(candidate);
    if (!read && !IsDamage(read.error())) return read.error();
    if (!read) {
      Unreadable(candidate, OneLine(read.error().context));
      return OkStatus();
    }
    const std::vector<ModelCall>& calls = read.value();
    const auto rows = WantsTurnRows(options_.format, options_.history_masked) ? TurnRows(calls) : WholeRows(calls);
    if (rows.empty()) Exclude("no_winner", candidate);
    std::vector<const char*> reasons;
    for (const ConversationRow& row : rows) {
      const char* reason = WhyNotSaid(options_.format, options_.history_masked, row.messages);
      if (reason == nullptr) reason = TooLong(row.tokens);
      if (reason != nullptr) reasons.push_back(reason);
      if (reason == nullptr) RETURN_IF_ERROR(WriteRow(candidate, row));
    }
    const bool none = !rows.empty() && reasons.size() == rows.size();
    if (none) Exclude(reasons.front(), candidate);
    for (const char* reason : reasons) {
      if (!none) left_out_.rows[reason].push_back(candidate.state.trajectory_id);
    }
    return OkStatus();
  }

  const char* TooLong(std::optional<int64_t> tokens) const {
    if (!options_.max_tokens) return nullptr;
    if (!tokens) return "tokens_unknown";
    return *tokens > *options_.max_tokens ? "max_tokens" : nullptr;
  }

  Status WriteRow(const Candidate& candidate, const ConversationRow& row) {
    Json facts = FactsOf(candidate, row.round);
    facts.Set("calls", row.calls);
    facts.Set("trained_turns", row.trained);
    facts.Set("tokens", OrNull(row.tokens));
    return Write(candidate, RowLine(options_.format, row.messages), std::move(facts));
  }

  static Json FactsOf(const Candidate& candidate, int64_t round) {
    const auto& final = candidate.figures.final;
    return {{"trajectory_id", candidate.state.trajectory_id},
            {"campaign_id", candidate.state.campaign_id},
            {"task", candidate.state.task},
            {"sample", candidate.state.sample},
            {"round", round},
            {"score", OrNull(candidate.state.final_score)},
            {"speedup", final ? OrNull(final->speedup) : Json()}};
  }

  Status Write(const Candidate& candidate, const std::string& line, Json facts) {
    const StoredTask& task = candidate.figures.task;
    const size_t part = split_.PartOf(task, selection_.OpsOf(task));
    RETURN_IF_ERROR(rows_[part].WriteLine(line));
    ++files_[part].rows;
    exported_.insert(candidate.state.trajectory_id);
    tasks_.emplace(task.hash.empty() ? task.name : task.hash, task);
    Json entry{{"id", Sha256Hex(line)}, {"file", files_[part].name}};
    for (const auto& [key, value] : facts.Members()) entry.Set(key, value);
    row_index_.Push(std::move(entry));
    return OkStatus();
  }

  // ---- preference

  Status WritePairs() {
    const std::vector<Candidate>& all = selection_.honest();
    for (const Candidate& candidate : selection_.chosen()) chosen_.insert(candidate.state.trajectory_id);
    PromptGroups groups(reader_);
    for (size_t i = 0; i < all.size(); ++i) {
      if (Status added = AddAnswers(i, &groups); !added) RETURN_IF_ERROR(NoteDamage(all[i], added.error()));
    }
    for (size_t group = 0; group < groups.size(); ++group) RETURN_IF_ERROR(WritePairOf(group, &groups));
    for (const Candidate& candidate : selection_.chosen()) {
      const std::string& id = candidate.state.trajectory_id;
      if (exported_.contains(id)) continue;
      const auto why = damage_.find(id);
      why != damage_.end() ? Unreadable(candidate, why->second) : Exclude("no_pair", candidate);
    }
    return OkStatus();
  }

  // It costs the answer, not the export.
  Status NoteDamage(const Candidate& candidate, const Error& error) {
    if (!IsDamage(error)) return error;
    damage_.emplace(candidate.state.trajectory_id, OneLine(error.context));
    return OkStatus();
  }

  Status AddAnswers(size_t index, PromptGroups* groups) {
    const Candidate& candidate = selection_.honest()[index];
    ASSIGN_OR_RETURN(const auto events, EventsOf(candidate));
    std::set<std::string> trained;
    if (chosen_.contains(candidate.state.trajectory_id)) {
      for (const SettledCall& call : TrainedCalls(candidate, events)) {
        if (call.trained) trained.insert(call.id);
      }
    }
    for (const SettledCall& call : SettledCalls(events)) {
      const auto judged = candidate.figures.rounds.find(call.round);
      if (!call.usable || judged == candidate.figures.rounds.end() || !judged->second.score) continue;
      MeasuredAnswer answer{index, call.id, call.round, judged->second, call.tokens, trained.contains(call.id)};
      Status added = groups->Add(candidate.state.campaign_id, call, std::move(answer));
      if (!added) RETURN_IF_ERROR(NoteDamage(candidate, added.error()));
    }
    return OkStatus();
  }

  // An answer that cannot be read makes room for the next one.
  Status WritePairOf(size_t group, PromptGroups* groups) {
    while (auto pair = groups->PairOf(group)) {
      ASSIGN_OR_RETURN(const auto chosen, CallOf(pair->chosen));
      if (!chosen) groups->Drop(group, pair->chosen.call_id);
      if (!chosen) continue;
      ASSIGN_OR_RETURN(const auto rejected, CallOf(pair->rejected));
      if (rejected) return WritePair(*pair, *chosen, *rejected);
      groups->Drop(group, pair->rejected.call_id);
    }
    return OkStatus();
  }

  // Nothing: it cannot be read.
  Result<std::optional<ModelCall>> CallOf(const MeasuredAnswer& answer) {
    const Candidate& candidate = selection_.honest()[answer.trajectory];
    auto read = CallNamed(candidate, answer.call_id);
    if (read) return std::optional(std::move(read).value());
    RETURN_IF_ERROR(NoteDamage(candidate, read.error()));
    return std::optional<ModelCall>();
  }

  Result<ModelCall> CallNamed(const Candidate& candidate, const std::string& id) {
    ASSIGN_OR_RETURN(const auto events, EventsOf(candidate));
    for (const SettledCall& call : SettledCalls(events)) {
      if (call.id == id) return ReadCall(reader_, call);
    }
    return DataCorrupt("journal: call " + id + " is gone");
  }

  Status WritePair(const PreferencePair& pair, const ModelCall& chosen, const ModelCall& rejected) {
    const Candidate& candidate = selection_.honest()[pair.chosen.trajectory];
    const char* reason = WhyNoPair(chosen.request, chosen.reply, rejected.reply);
    if (reason == nullptr) reason = TooLong(pair.chosen.tokens);
    if (reason == nullptr) reason = TooLong(pair.rejected.tokens);
    if (reason != nullptr) {
      left_out_.rows[reason].push_back(candidate.state.trajectory_id);
      return OkStatus();
    }
    const Candidate& other = selection_.honest()[pair.rejected.trajectory];
    Json facts = FactsOf(candidate, pair.chosen.round);
    facts.Set("chosen_score", OrNull(pair.chosen.judgement.score));
    facts.Set("rejected", {{"trajectory_id", other.state.trajectory_id},
                           {"round", pair.rejected.round},
                           {"score", OrNull(pair.rejected.judgement.score)}});
    facts.Set("tokens", OrNull(pair.chosen.tokens));
    return Write(candidate, PreferenceLine(chosen.request, chosen.reply, rejected.reply), std::move(facts));
  }

  const ExportOptions& options_;
  Reader* reader_;
  const Selection& selection_;
  Exclusions& left_out_;
  SplitPlan split_;
  std::vector<ExportedFile> files_;
  std::vector<RowFile> rows_;  // of files_
  Json row_index_ = Json::MakeArray();
  std::set<std::string> exported_;
  std::map<std::string, StoredTask> tasks_;
  // Of pairs alone.
  std::set<std::string> chosen_;               // ids of trajectories
  std::map<std::string, std::string> damage_;  // id of a trajectory -> what of it could not be read
};

Status CreateFolder(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  return failed ? Status(Error::FromErrno("create folder", folder, failed.value())) : OkStatus();
}

// Forgotten names would let every cheat into the file, or nothing, without a word.
Status Check(const ExportOptions& options) {
  if (options.barred_verdicts.empty()) return InvalidArgument("export: no verdict is named that bars from training");
  if (options.good_verdict.empty()) return InvalidArgument("export: the verdict of a right pass is not named");
  return OkStatus();
}

}  // namespace

const char* RowFormatName(RowFormat format) {
  switch (format) {
    case RowFormat::kOpenAiChat: return "openai-chat";
    case RowFormat::kShareGpt: return "sharegpt";
    case RowFormat::kTrlMessages: return "trl-messages";
    case RowFormat::kTrlPromptCompletion: return "trl-prompt-completion";
    case RowFormat::kTrlPreference: return "trl-preference";
  }
  return "openai-chat";
}

const char* TrainedTurnsName(TrainedTurns turns) {
  switch (turns) {
    case TrainedTurns::kImproving: return "improving";
    case TrainedTurns::kWinner: return "winner";
    case TrainedTurns::kAll: return "all";
  }
  return "improving";
}

Result<ExportSummary> Export(const ExportOptions& options) {
  RETURN_IF_ERROR(Check(options));
  ASSIGN_OR_RETURN(auto reader, Reader::Open(options.store_path));
  ExportSummary summary;
  Selection selection(reader.get(), &options, &summary.left_out);
  RETURN_IF_ERROR(selection.Run());
  // Before the rows are committed: an old manifest beside new rows would say what is not so.
  ASSIGN_OR_RETURN(Json sources, ReadSources(reader.get(), selection.campaigns()));
  RETURN_IF_ERROR(CreateFolder(options.folder));
  RowWriter writer(options, reader.get(), selection, &summary.left_out);
  RETURN_IF_ERROR(writer.Open());
  RETURN_IF_ERROR(writer.WriteAll());
  RETURN_IF_ERROR(writer.Commit());
  summary.trajectories = selection.looked_at();
  writer.Tell(&summary);
  summary.manifest_path = (fs::path(options.folder) / "manifest.json").string();
  const std::string manifest = ManifestText(options, summary, std::move(sources), writer.TakeRowIndex());
  RETURN_IF_ERROR(WriteFileAtomic(summary.manifest_path, manifest));
  return summary;
}

}  // namespace passnet::trajectories
