#include "trajectories/export/openai_chat.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "trajectories/export/conversation.h"
#include "trajectories/export/row_file.h"
#include "trajectories/reader.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {
namespace {

// Trainers refuse fewer (docs/formats.md).
constexpr int64_t kFewestExamples = 10;
constexpr int64_t kPage = 1000;

struct Candidate {
  TrajectoryState state;
  std::vector<Event> events;  // without payloads
  double Score() const {
    return state.final_score.value_or(state.best_score.value_or(-std::numeric_limits<double>::infinity()));
  }
};

// Why the reports of a trajectory keep it out; nullptr: they do not. A report's own verdict is the first by precedence,
// behind which another graph's may hide: a crash on one, a faked clock on the other. What cannot be read stays out.
const char* ReasonInReports(const std::vector<Event>& events, const std::set<std::string>& barred) {
  for (const Event& event : events) {
    if (event.body.kind != EventKind::kEvaluationReport) continue;
    if (barred.contains(event.body.label)) return "integrity";
    auto report = ParseJsonObject(event.body.payload, "evaluation report");
    if (!report) return "unreadable";
    for (const Json& graph : report.value()["graphs"].Items()) {
      if (barred.contains(graph["verdict"].Text())) return "integrity";
    }
  }
  return nullptr;
}

Json List(const std::set<std::string>& texts) { return Json(Json::Array(texts.begin(), texts.end())); }

class Exporter {
 public:
  Exporter(const ExportOptions& options, Reader* reader, RowFile* file)
      : options_(options), reader_(reader), file_(file) {}

  Status Run() {
    RETURN_IF_ERROR(ChooseCampaigns());
    // Before the rows are committed: an old manifest beside new rows would say what is not so.
    ASSIGN_OR_RETURN(campaign_list_, Campaigns());
    for (const CampaignState& campaign : campaigns_) RETURN_IF_ERROR(ReadCandidates(campaign.campaign_id));
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.state.first_row_id < b.state.first_row_id;
    });
    if (options_.best_only) KeepBestOf("not_best", [](const TrajectoryState& state) { return state.task; });
    KeepBestOf("duplicate", [](const TrajectoryState& state) { return state.final_subject; });
    for (const Candidate& candidate : candidates_) RETURN_IF_ERROR(WriteRows(candidate));
    return OkStatus();
  }

  std::string Manifest(const std::string& file_name, const std::string& sha256) const {
    Json manifest{{"schema", "passnet.export_manifest/1"},
                  {"format", "openai-chat"},
                  {"tool_version", options_.tool_version},
                  {"file", file_name},
                  {"sha256", sha256},
                  {"size_bytes", file_->size_bytes()},
                  {"rows", summary_.rows},
                  {"filters", Filters()},
                  {"campaigns", campaign_list_},
                  {"counts",
                   {{"trajectories", summary_.trajectories},
                    {"exported", summary_.exported},
                    {"excluded", summary_.excluded}}},
                  {"row_index", row_index_},
                  {"notes", Notes()}};
    return manifest.Dump(1) + "\n";
  }

  ExportSummary summary() const { return summary_; }

 private:
  Status ChooseCampaigns() {
    if (options_.campaign_ids.empty()) {
      int64_t after = 0;
      while (true) {
        ASSIGN_OR_RETURN(auto page, reader_->Campaigns(after, kPage));
        if (page.empty()) return OkStatus();
        after = page.back().first_row_id;
        campaigns_.insert(campaigns_.end(), page.begin(), page.end());
      }
    }
    for (const std::string& id : options_.campaign_ids) {
      auto campaign = reader_->Campaign(id);
      if (!campaign && campaign.error().code == ErrorCode::kNotFound) return InvalidArgument(campaign.error().context);
      ASSIGN_OR_RETURN(CampaignState found, std::move(campaign));
      campaigns_.push_back(std::move(found));
    }
    return OkStatus();
  }

  Status ReadCandidates(const std::string& campaign_id) {
    int64_t after = 0;
    while (true) {
      ASSIGN_OR_RETURN(auto page, reader_->Trajectories(campaign_id, after, kPage));
      if (page.empty()) return OkStatus();
      after = page.back().first_row_id;
      for (TrajectoryState& state : page) RETURN_IF_ERROR(Consider(std::move(state)));
    }
  }

  Status Consider(TrajectoryState state) {
    ++summary_.trajectories;
    if (const char* reason = ReasonInState(state)) return Exclude(reason);
    Candidate candidate{std::move(state), {}};
    auto events = reader_->Events({.campaign_id = candidate.state.campaign_id,
                                   .trajectory_id = candidate.state.trajectory_id,
                                   .after_row_id = 0,
                                   .limit = std::numeric_limits<int64_t>::max(),
                                   .with_payload = true});
    // A damaged payload costs its own trajectory, not everybody's export.
    if (!events && IsDamage(events.error())) return Exclude("unreadable");
    ASSIGN_OR_RETURN(candidate.events, std::move(events));
    if (const char* reason = ReasonAgainst(candidate)) return Exclude(reason);
    for (Event& event : candidate.events) event.body.payload = std::string();
    candidates_.push_back(std::move(candidate));
    return OkStatus();
  }

  static bool IsDamage(const Error& error) {
    return error.code == ErrorCode::kDataCorrupt || error.code == ErrorCode::kNotFound;
  }

  Status Exclude(const char* reason) {
    ++summary_.excluded[reason];
    return OkStatus();
  }

  const char* ReasonInState(const TrajectoryState& state) const {
    if (state.state != "finished") return "not_finished";
    if (state.outcome == "infra") return "infra";
    if (!options_.outcomes.empty() && !options_.outcomes.contains(state.outcome)) return "outcome";
    return nullptr;
  }

  const char* ReasonAgainst(const Candidate& candidate) const {
    const TrajectoryState& state = candidate.state;
    if (const char* reason = ReasonInReports(candidate.events, options_.barred_verdicts)) return reason;
    if (options_.excluded_tasks.contains(state.task)) return "excluded_task";
    if (options_.min_score && !(candidate.Score() >= *options_.min_score)) return "min_score";
    return nullptr;
  }

  // Of the candidates with the same key, only the one with the best score; the earlier wins a tie. Those with an
  // empty key are all kept.
  template <typename KeyOf>
  void KeepBestOf(const char* reason, KeyOf key_of) {
    std::map<std::string, int64_t> best;  // key -> first_row_id
    std::map<std::string, double> best_score;
    for (const Candidate& candidate : candidates_) {
      std::string key = key_of(candidate.state);
      auto [at, first] = best_score.emplace(key, candidate.Score());
      if (!first && candidate.Score() <= at->second) continue;
      at->second = candidate.Score();
      best[key] = candidate.state.first_row_id;
    }
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      std::string key = key_of(candidate.state);
      bool drop = !key.empty() && best[key] != candidate.state.first_row_id;
      if (drop) ++summary_.excluded[reason];
      return drop;
    });
  }

  Status WriteRows(const Candidate& candidate) {
    auto rows = RowsOf(reader_, candidate.events);
    if (!rows && rows.error().code == ErrorCode::kDataCorrupt) return Exclude("unreadable");
    if (!rows) return rows.error();
    if (rows.value().empty()) ++summary_.excluded["nothing_to_train"];
    int64_t before = summary_.rows;
    for (const ConversationRow& row : rows.value()) RETURN_IF_ERROR(WriteRow(candidate, row));
    if (summary_.rows > before) ++summary_.exported;
    return OkStatus();
  }

  Status WriteRow(const Candidate& candidate, const ConversationRow& row) {
    const std::string line = TrainingLine(row.messages);
    const char* reason = nullptr;
    if (options_.max_tokens && !row.tokens) {
      reason = "tokens_unknown";
    } else if (options_.max_tokens && *row.tokens > *options_.max_tokens) {
      reason = "max_tokens";
    } else if (!row.AnyTrained()) {
      reason = "nothing_to_train";
    }
    if (reason != nullptr) return Exclude(reason);
    RETURN_IF_ERROR(file_->WriteLine(line));
    ++summary_.rows;
    const TrajectoryState& state = candidate.state;
    row_index_.Push({{"id", Sha256Hex(line)},
                     {"trajectory_id", state.trajectory_id},
                     {"campaign_id", state.campaign_id},
                     {"task", state.task},
                     {"score", OrNull(state.final_score)},
                     {"calls", row.calls},
                     {"tokens", OrNull(row.tokens)}});
    return OkStatus();
  }

  Json Filters() const {
    return {{"campaigns", options_.campaign_ids},
            {"outcomes", List(options_.outcomes)},
            {"barred_verdicts", List(options_.barred_verdicts)},
            {"min_score", OrNull(options_.min_score)},
            {"best_only", options_.best_only},
            {"max_tokens", OrNull(options_.max_tokens)},
            {"excluded_tasks", List(options_.excluded_tasks)}};
  }

  Result<Json> Campaigns() {
    Json list = Json::MakeArray();
    for (const CampaignState& campaign : campaigns_) {
      ASSIGN_OR_RETURN(Json prices, PricesOf(campaign));
      list.Push({{"campaign_id", campaign.campaign_id},
                 {"name", campaign.name},
                 {"head", ToString(Head{campaign.campaign_id, campaign.head_seq, campaign.head_hash})},
                 {"prices", std::move(prices)}});
    }
    return list;
  }

  // Pinned by the campaign's first event.
  Result<Json> PricesOf(const CampaignState& campaign) {
    ASSIGN_OR_RETURN(auto launch, reader_->Events({.campaign_id = campaign.campaign_id,
                                                   .trajectory_id = "",
                                                   .after_row_id = campaign.first_row_id - 1,
                                                   .limit = 1,
                                                   .with_payload = true}));
    if (launch.empty()) return Json();
    auto payload = ParseJsonObject(launch[0].body.payload, "launch of campaign " + campaign.campaign_id);
    if (!payload) return DataCorrupt(payload.error().context);
    return payload.value()["prices"];
  }

  Json Notes() const {
    Json notes = Json::MakeArray();
    if (summary_.rows < kFewestExamples) notes.Push("fewer than 10 rows: trainers usually refuse such a file");
    return notes;
  }

  const ExportOptions& options_;
  Reader* reader_;
  RowFile* file_;
  std::vector<CampaignState> campaigns_;
  Json campaign_list_;
  std::vector<Candidate> candidates_;
  Json row_index_ = Json::MakeArray();
  ExportSummary summary_;
};

Status CreateFolder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  return failed ? Status(Error::FromErrno("create folder", folder, failed.value())) : OkStatus();
}

}  // namespace

Result<ExportSummary> ExportOpenAiChat(const ExportOptions& options) {
  // Forgotten names would let every cheat into the file without a word.
  if (options.barred_verdicts.empty()) return InvalidArgument("export: no verdict is named that bars from training");
  ASSIGN_OR_RETURN(auto reader, Reader::Open(options.store_path));
  RETURN_IF_ERROR(CreateFolder(options.folder));
  const std::string name = "openai-chat.jsonl";
  std::filesystem::path folder(options.folder);
  ASSIGN_OR_RETURN(RowFile file, RowFile::Create((folder / name).string()));
  Exporter exporter(options, reader.get(), &file);
  RETURN_IF_ERROR(exporter.Run());
  ASSIGN_OR_RETURN(std::string sha256, file.Commit());
  ExportSummary summary = exporter.summary();
  summary.rows_path = (folder / name).string();
  summary.manifest_path = (folder / "manifest.json").string();
  summary.sha256 = sha256;
  RETURN_IF_ERROR(WriteFileAtomic(summary.manifest_path, exporter.Manifest(name, sha256)));
  return summary;
}

std::set<std::string> ParseTaskList(std::string_view text) {
  std::set<std::string> tasks;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    std::string_view task = Trimmed(line.substr(0, line.find('#')));
    if (!task.empty()) tasks.emplace(task);
  }
  return tasks;
}

}  // namespace passnet::trajectories
