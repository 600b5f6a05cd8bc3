#include "trajectories/verify.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/file.h"
#include "trajectories/content_table.h"
#include "trajectories/database.h"
#include "trajectories/head_log.h"
#include "trajectories/log_check.h"
#include "trajectories/schema.h"
#include "trajectories/state_table.h"

namespace passnet::trajectories {
namespace {

using What = Finding::What;

// More rows than any journal holds: the cached tables are read whole.
constexpr int64_t kAll = int64_t{1} << 62;

std::string OfRow(const LogCheck::Named& named) {
  return " (" + named.name + " of event row " + std::to_string(named.row_id) + ")";
}

class Verifier {
 public:
  Verifier(Database* database, const VerifyOptions& options)
      : database_(database), options_(options), log_(database, options.campaign_id) {}

  Result<VerifyReport> Run() {
    std::optional<Finding> finding;
    for (auto check : {&Verifier::CheckFile, &Verifier::CheckSchema, &Verifier::CheckLog, &Verifier::CheckContent,
                       &Verifier::CheckStates, &Verifier::CheckHeads, &Verifier::CheckReferences,
                       &Verifier::CountOrphans}) {
      if (finding) break;
      ASSIGN_OR_RETURN(finding, (this->*check)());
    }
    report_.first = std::move(finding);
    Summarise();
    return std::move(report_);
  }

 private:
  using MaybeFinding = Result<std::optional<Finding>>;

  MaybeFinding CheckFile() {
    ASSIGN_OR_RETURN(std::string answer, database_->QuickCheck());
    if (answer == "ok") return std::optional<Finding>();
    return std::optional(Finding{What::kChanged, "the file itself", answer, std::nullopt});
  }

  MaybeFinding CheckLog() { return log_.Run(); }

  // A trigger or view that was added would bend what a program does that does not switch them off; an index that is
  // gone lets a second outcome of a call in.
  MaybeFinding CheckSchema() {
    ASSIGN_OR_RETURN(const auto expected, ExpectedSchemaObjects());
    ASSIGN_OR_RETURN(const auto found, SchemaObjects(database_));
    for (const auto& [name, sql] : found) {
      auto known = expected.find(name);
      if (known == expected.end()) {
        return std::optional(Finding{What::kAdded, "schema, " + name, "journals of this version have no such object", {}});
      }
      if (known->second == sql) continue;
      return std::optional(Finding{What::kChanged, "schema, " + name, "it is defined otherwise: " + sql, {}});
    }
    for (const auto& [name, sql] : expected) {
      if (found.contains(name)) continue;
      return std::optional(Finding{What::kRemoved, "schema, " + name, "every journal of this version has it", {}});
    }
    return std::optional<Finding>();
  }

  MaybeFinding CheckContent() {
    for (const LogCheck::Named& named : log_.content()) {
      auto whole = ReadWholeRow(database_, named.sha256);
      auto bytes = whole ? JoinWhole(database_, named.sha256, whole.value()) : ReadBlob(database_, named.sha256);
      if (!bytes) return Damage(named, bytes.error());
      if (whole) {
        if (bytes.value().size() != whole.value().plain_bytes) {
          return Damage(named, DataCorrupt("its size is not the one promised"));
        }
        wholes_.insert(named.sha256);
        blobs_.insert(whole.value().parts.begin(), whole.value().parts.end());
      } else {
        blobs_.insert(named.sha256);
      }
    }
    return std::optional<Finding>();
  }

  static MaybeFinding Damage(const LogCheck::Named& named, const Error& error) {
    std::string where = "content " + ToHex(named.sha256) + OfRow(named);
    if (error.code == ErrorCode::kNotFound) return std::optional(Finding{What::kRemoved, where, error.context, {}});
    if (error.code == ErrorCode::kDataCorrupt) return std::optional(Finding{What::kChanged, where, error.context, {}});
    return error;
  }

  // References of no event would stand in the way of an event to come, or become its own.
  MaybeFinding CheckReferences() {
    ASSIGN_OR_RETURN(Statement select, database_->Prepare(
        "SELECT row_id FROM event_refs WHERE row_id NOT IN (SELECT row_id FROM events) LIMIT 1"));
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return std::optional<Finding>();
    const std::string where = "event_refs of row " + std::to_string(select.Int64(0));
    return std::optional(Finding{What::kAdded, where, "there is no such event", std::nullopt});
  }

  MaybeFinding CountOrphans() {
    if (!options_.campaign_id.empty()) return std::optional<Finding>();
    RETURN_IF_ERROR(CountOrphansOf("SELECT sha256 FROM blobs ORDER BY rowid", blobs_));
    RETURN_IF_ERROR(CountOrphansOf("SELECT sha256 FROM wholes ORDER BY rowid", wholes_));
    return std::optional<Finding>();
  }

  Status CountOrphansOf(std::string_view sql, const std::set<Sha256Digest>& known) {
    constexpr size_t kExamples = 5;
    ASSIGN_OR_RETURN(Statement select, database_->Prepare(sql));
    while (true) {
      ASSIGN_OR_RETURN(bool row, select.Step());
      if (!row) return OkStatus();
      ASSIGN_OR_RETURN(Sha256Digest sha256, select.Digest(0));
      if (known.contains(sha256)) continue;
      ++report_.orphans;
      if (report_.orphan_examples.size() < kExamples) report_.orphan_examples.push_back(ToHex(sha256));
    }
  }

  MaybeFinding CheckStates() {
    ASSIGN_OR_RETURN(auto campaigns, LoadCampaigns(database_, -kAll, kAll));
    std::map<std::string, CampaignState> cached;
    std::map<std::string, TrajectoryState> cached_trajectories;
    for (CampaignState& campaign : campaigns) {
      if (!options_.campaign_id.empty() && campaign.campaign_id != options_.campaign_id) continue;
      ASSIGN_OR_RETURN(auto trajectories, LoadTrajectories(database_, campaign.campaign_id, -kAll, kAll));
      for (TrajectoryState& one : trajectories) cached_trajectories.emplace(one.trajectory_id, std::move(one));
      cached.emplace(campaign.campaign_id, std::move(campaign));
    }
    if (auto finding = Compare("campaigns", cached, log_.campaigns())) return finding;
    return Compare("trajectories", cached_trajectories, log_.trajectories());
  }

  template <typename State>
  static std::optional<Finding> Compare(const std::string& table, const std::map<std::string, State>& cached,
                                        const std::map<std::string, State>& folded) {
    for (const auto& [id, fold] : folded) {
      std::string where = "table " + table + ", row " + id;
      auto found = cached.find(id);
      if (found == cached.end()) return Finding{What::kRemoved, where, "the events tell of it", {}};
      if (found->second.head_seq > fold.head_seq) {
        return Finding{What::kRemoved, "events of " + id + " after seq " + std::to_string(fold.head_seq),
                       "table " + table + " knows " + std::to_string(found->second.head_seq) + " of them", {}};
      }
      if (found->second == fold) continue;
      return Finding{What::kChanged, where, "other than the events tell: " + Difference(found->second, fold), {}};
    }
    for (const auto& [id, state] : cached) {
      if (folded.contains(id)) continue;
      return Finding{What::kAdded, "table " + table + ", row " + id,
                     "no event tells of it: the row was added, or the end of the log was removed", {}};
    }
    return std::nullopt;
  }

  MaybeFinding CheckHeads() {
    for (const Head& head : options_.heads) {
      ASSIGN_OR_RETURN(auto hash, HashOfHead(head));
      if (!hash) {
        return std::optional(Finding{What::kTailLost, "the chain of " + head.chain_id,
                                     "it ends before seq " + std::to_string(head.seq) + ", which the given head names",
                                     {}});
      }
      if (*hash == head.hash) continue;
      return std::optional(Finding{What::kChanged, "the chain of " + head.chain_id,
                                   "its seq " + std::to_string(head.seq) + " is not the one that the given head names: "
                                   "the chain was rewritten", {}});
    }
    return std::optional<Finding>();
  }

  // Of the event that the head names, by the index of its chain: a head log has very many.
  Result<std::optional<Sha256Digest>> HashOfHead(const Head& head) {
    auto trajectory = log_.trajectories().find(head.chain_id);
    const bool of_trajectory = trajectory != log_.trajectories().end();
    const bool checked = of_trajectory || log_.campaigns().contains(head.chain_id);
    ASSIGN_OR_RETURN(Statement select,
                     database_->Prepare(checked ? "SELECT hash FROM events WHERE campaign_id = ?1 AND trajectory_id = ?3 "
                                                  "AND seq = ?2"
                                                : "SELECT hash FROM events WHERE seq = ?2 AND ((campaign_id = ?1 AND "
                                                  "trajectory_id = '') OR trajectory_id = ?1)"));
    select.Bind(1, of_trajectory ? trajectory->second.campaign_id : head.chain_id).Bind(2, head.seq);
    if (checked) select.Bind(3, of_trajectory ? std::string_view(head.chain_id) : std::string_view(""));
    ASSIGN_OR_RETURN(bool row, select.Step());
    std::optional<Sha256Digest> hash;
    if (row) {
      ASSIGN_OR_RETURN(hash, select.Digest(0));
    }
    return hash;
  }

  void Summarise() {
    report_.events = log_.events();
    report_.blobs = static_cast<int64_t>(blobs_.size());
    report_.requests = static_cast<int64_t>(wholes_.size());
    report_.campaigns = static_cast<int64_t>(log_.campaigns().size());
    report_.trajectories = static_cast<int64_t>(log_.trajectories().size());
    AddHeads(log_.campaigns());
    AddHeads(log_.trajectories());
  }

  template <typename State>
  void AddHeads(const std::map<std::string, State>& states) {
    std::vector<std::pair<int64_t, Head>> heads;
    for (const auto& [id, state] : states) heads.push_back({state.first_row_id, {id, state.head_seq, state.head_hash}});
    std::stable_sort(heads.begin(), heads.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [row, head] : heads) report_.heads.push_back(std::move(head));
  }

  Database* database_;
  const VerifyOptions& options_;
  LogCheck log_;
  std::set<Sha256Digest> blobs_;   // reached from events
  std::set<Sha256Digest> wholes_;  // likewise
  VerifyReport report_;
};

}  // namespace

std::string ToString(const Head& head) {
  return head.chain_id + ":" + std::to_string(head.seq) + ":" + ToHex(head.hash);
}

Result<Head> ParseHead(std::string_view text) {
  Error malformed = InvalidArgument("head \"" + std::string(text) + "\" is not <id>:<seq>:<64 hex digits>");
  size_t second = text.rfind(':');
  if (second == std::string_view::npos || second == 0 || text.size() - second - 1 != 64) return malformed;
  size_t first = text.rfind(':', second - 1);
  if (first == std::string_view::npos || first == 0) return malformed;
  Head head;
  head.chain_id = text.substr(0, first);
  const char* seq_end = text.data() + second;
  auto seq = std::from_chars(text.data() + first + 1, seq_end, head.seq);
  if (seq.ec != std::errc() || seq.ptr != seq_end || head.seq < 1) return malformed;
  for (size_t i = 0; i < head.hash.size(); ++i) {
    const char* digits = text.data() + second + 1 + 2 * i;
    auto byte = std::from_chars(digits, digits + 2, head.hash[i], 16);
    if (byte.ec != std::errc() || byte.ptr != digits + 2) return malformed;
  }
  return head;
}

Result<HeadLogText> ReadHeadLog(const std::string& path) {
  constexpr size_t kMaxBytes = size_t{1} << 30;  // chosen: ten million heads
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxBytes));
  HeadLogText log;
  size_t number = 0;
  for (size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    ++number;
    end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.empty()) continue;
    if (end == text.size() || line.ends_with(kTornMark)) {
      log.torn.push_back(path + ":" + std::to_string(number));
      continue;
    }
    auto head = ParseHead(line);
    if (!head) return head.error().Prefixed(path + ":" + std::to_string(number));
    log.heads.push_back(std::move(head).value());
  }
  return log;
}

std::string_view FindingWhatName(What what) {
  switch (what) {
    case What::kChanged: return "changed";
    case What::kRemoved: return "removed";
    case What::kReordered: return "reordered";
    case What::kAdded: return "added";
    case What::kTailLost: return "tail lost";
  }
  return "changed";
}

Result<VerifyReport> Verify(const VerifyOptions& options) {
  ASSIGN_OR_RETURN(auto database, Database::Open({.path = options.path, .read_only = true, .vfs = ""}));
  RETURN_IF_ERROR(CheckVersion(database.get()));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::BeginRead(database.get()));
  if (!options.campaign_id.empty()) {
    auto campaign = LoadCampaign(database.get(), options.campaign_id);
    if (!campaign && campaign.error().code == ErrorCode::kNotFound) return InvalidArgument(campaign.error().context);
  }
  return Verifier(database.get(), options).Run();
}

}  // namespace passnet::trajectories
