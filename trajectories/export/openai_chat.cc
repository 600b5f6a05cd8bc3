#include "trajectories/export/openai_chat.h"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "trajectories/export/conversation.h"
#include "trajectories/export/row_file.h"
#include "trajectories/reader.h"
#include "trajectories/verify.h"

namespace passnet::trajectories {
namespace {

using OrderedJson = nlohmann::ordered_json;

// Trainers refuse fewer (docs/formats.md).
constexpr int64_t kFewestExamples = 10;
constexpr int64_t kPage = 1000;

// Verdicts that say that the candidate cheated or may have (evaluator/api, persisted by name).
constexpr std::string_view kIntegrityVerdicts[] = {"tamper", "static", "dispatch",    "mutation",
                                                   "state",  "timing", "implausible", "quarantine"};

struct Candidate {
  TrajectoryState state;
  std::vector<Event> events;  // without payloads
  double Score() const {
    return state.final_score.value_or(state.best_score.value_or(-std::numeric_limits<double>::infinity()));
  }
};

bool HasIntegrityVerdict(const std::vector<Event>& events) {
  return std::any_of(events.begin(), events.end(), [](const Event& event) {
    return event.body.kind == EventKind::kEvaluationReport &&
           std::find(std::begin(kIntegrityVerdicts), std::end(kIntegrityVerdicts), event.body.label) !=
               std::end(kIntegrityVerdicts);
  });
}

class Exporter {
 public:
  Exporter(const ExportOptions& options, Reader* reader, RowFile* file)
      : options_(options), reader_(reader), file_(file) {}

  Status Run() {
    RETURN_IF_ERROR(ChooseCampaigns());
    for (const CampaignState& campaign : campaigns_) RETURN_IF_ERROR(ReadCandidates(campaign.campaign_id));
    std::stable_sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
      return a.state.first_row_id < b.state.first_row_id;
    });
    if (options_.best_only) KeepBestOf("not_best", [](const TrajectoryState& state) { return state.task; });
    KeepBestOf("duplicate", [](const TrajectoryState& state) { return state.final_subject; });
    for (const Candidate& candidate : candidates_) RETURN_IF_ERROR(WriteRows(candidate));
    return OkStatus();
  }

  Result<std::string> Manifest(const std::string& file_name, const std::string& sha256) {
    OrderedJson json;
    json["schema"] = "passnet.export_manifest/1";
    json["format"] = "openai-chat";
    json["tool_version"] = options_.tool_version;
    json["file"] = file_name;
    json["sha256"] = sha256;
    json["size_bytes"] = file_->size_bytes();
    json["rows"] = summary_.rows;
    json["filters"] = Filters();
    ASSIGN_OR_RETURN(auto campaigns, Campaigns());
    json["campaigns"] = campaigns;
    json["counts"] = {{"trajectories", summary_.trajectories}, {"exported", summary_.exported}};
    json["counts"]["excluded"] = summary_.excluded;
    json["row_index"] = row_index_;
    json["notes"] = Notes();
    return json.dump(1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
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
    Candidate candidate{std::move(state), {}};
    ASSIGN_OR_RETURN(candidate.events, reader_->Events({.campaign_id = candidate.state.campaign_id,
                                                        .trajectory_id = candidate.state.trajectory_id,
                                                        .after_row_id = 0,
                                                        .limit = std::numeric_limits<int64_t>::max(),
                                                        .with_payload = false}));
    if (const char* reason = ReasonAgainst(candidate)) {
      ++summary_.excluded[reason];
    } else {
      candidates_.push_back(std::move(candidate));
    }
    return OkStatus();
  }

  const char* ReasonAgainst(const Candidate& candidate) const {
    const TrajectoryState& state = candidate.state;
    if (state.state != "finished") return "not_finished";
    if (state.outcome == "infra") return "infra";
    if (!options_.outcomes.empty() && !options_.outcomes.contains(state.outcome)) return "outcome";
    if (HasIntegrityVerdict(candidate.events)) return "integrity";
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
    if (!rows && rows.error().code == ErrorCode::kDataCorrupt) {
      ++summary_.excluded["unreadable"];
      return OkStatus();
    }
    if (!rows) return rows.error();
    if (rows.value().empty()) ++summary_.excluded["nothing_to_train"];
    int64_t before = summary_.rows;
    for (const ConversationRow& row : rows.value()) RETURN_IF_ERROR(WriteRow(candidate, row));
    if (summary_.rows > before) ++summary_.exported;
    return OkStatus();
  }

  Status WriteRow(const Candidate& candidate, const ConversationRow& row) {
    auto line = TrainingLine(row.messages);
    const char* reason = nullptr;
    if (options_.max_tokens && !row.tokens) {
      reason = "tokens_unknown";
    } else if (options_.max_tokens && *row.tokens > *options_.max_tokens) {
      reason = "max_tokens";
    } else if (!line) {
      reason = "unreadable";
    } else if (!row.AnyTrained()) {
      reason = "nothing_to_train";
    }
    if (reason != nullptr) {
      ++summary_.excluded[reason];
      return OkStatus();
    }
    RETURN_IF_ERROR(file_->WriteLine(line.value()));
    ++summary_.rows;
    const TrajectoryState& state = candidate.state;
    OrderedJson entry = {{"id", Sha256Hex(line.value())},
                         {"trajectory_id", state.trajectory_id},
                         {"campaign_id", state.campaign_id},
                         {"task", state.task}};
    entry["score"] = state.final_score ? OrderedJson(*state.final_score) : OrderedJson(nullptr);
    entry["calls"] = row.calls;
    entry["tokens"] = row.tokens ? OrderedJson(*row.tokens) : OrderedJson(nullptr);
    row_index_.push_back(std::move(entry));
    return OkStatus();
  }

  OrderedJson Filters() const {
    OrderedJson json;
    json["campaigns"] = options_.campaign_ids;
    json["outcomes"] = options_.outcomes;
    json["min_score"] = options_.min_score ? OrderedJson(*options_.min_score) : OrderedJson(nullptr);
    json["best_only"] = options_.best_only;
    json["max_tokens"] = options_.max_tokens ? OrderedJson(*options_.max_tokens) : OrderedJson(nullptr);
    json["excluded_tasks"] = options_.excluded_tasks;
    return json;
  }

  Result<std::vector<OrderedJson>> Campaigns() {
    std::vector<OrderedJson> list;
    for (const CampaignState& campaign : campaigns_) {
      ASSIGN_OR_RETURN(auto first, reader_->Events({.campaign_id = campaign.campaign_id,
                                                    .trajectory_id = "",
                                                    .after_row_id = campaign.first_row_id - 1,
                                                    .limit = 1,
                                                    .with_payload = true}));
      OrderedJson entry = {{"campaign_id", campaign.campaign_id}, {"name", campaign.name}};
      entry["head"] = ToString(Head{campaign.campaign_id, campaign.head_seq, campaign.head_hash});
      auto launch = first.empty() ? OrderedJson() : OrderedJson::parse(first[0].body.payload, nullptr, false);
      entry["prices"] = launch.is_object() && launch.contains("prices") ? launch["prices"] : OrderedJson(nullptr);
      list.push_back(std::move(entry));
    }
    return list;
  }

  OrderedJson Notes() const {
    OrderedJson notes = OrderedJson::array();
    if (summary_.rows < kFewestExamples) notes.push_back("fewer than 10 rows: trainers usually refuse such a file");
    return notes;
  }

  const ExportOptions& options_;
  Reader* reader_;
  RowFile* file_;
  std::vector<CampaignState> campaigns_;
  std::vector<Candidate> candidates_;
  OrderedJson row_index_ = OrderedJson::array();
  ExportSummary summary_;
};

Status CreateFolder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  return failed ? Status(Error::FromErrno("create folder", folder, failed.value())) : OkStatus();
}

}  // namespace

Result<ExportSummary> ExportOpenAiChat(const ExportOptions& options) {
  ASSIGN_OR_RETURN(auto reader, Reader::Open(options.store_path));
  RETURN_IF_ERROR(CreateFolder(options.folder));
  const std::string name = "openai-chat.jsonl";
  std::filesystem::path folder(options.folder);
  ASSIGN_OR_RETURN(RowFile file, RowFile::Create((folder / name).string()));
  Exporter exporter(options, reader.get(), &file);
  RETURN_IF_ERROR(exporter.Run());
  ASSIGN_OR_RETURN(std::string sha256, file.Commit());
  ASSIGN_OR_RETURN(std::string manifest, exporter.Manifest(name, sha256));
  ExportSummary summary = exporter.summary();
  summary.rows_path = (folder / name).string();
  summary.manifest_path = (folder / "manifest.json").string();
  summary.sha256 = sha256;
  RETURN_IF_ERROR(WriteFileAtomic(summary.manifest_path, manifest));
  return summary;
}

std::set<std::string> ParseTaskList(std::string_view text) {
  std::set<std::string> tasks;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    line = line.substr(0, line.find('#'));
    size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) continue;
    tasks.emplace(line.substr(first, line.find_last_not_of(" \t\r") - first + 1));
  }
  return tasks;
}

}  // namespace passnet::trajectories
