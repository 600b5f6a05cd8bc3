#include "trajectories/log_check.h"

#include "base/json.h"
#include "trajectories/content_table.h"

namespace passnet::trajectories {
namespace {

using What = Finding::What;

std::string Where(const Event& event) {
  const EventDraft& body = event.body;
  std::string chain = body.trajectory_id.empty() ? "campaign " + body.campaign_id : "trajectory " + body.trajectory_id;
  return "event row " + std::to_string(event.row_id) + " (" + chain + ", seq " + std::to_string(event.seq) + ", " +
         std::string(EventKindName(body.kind)) + ")";
}

Finding At(const Event& event, What what, std::string detail) {
  return {what, Where(event), std::move(detail), event.row_id};
}

Result<std::optional<Sha256Digest>> HashAt(Database* database, const std::string& campaign_id,
                                           const std::string& trajectory_id, int64_t seq) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT hash FROM events WHERE campaign_id = ?1 AND trajectory_id = ?2 "
                                     "AND seq = ?3"));
  ASSIGN_OR_RETURN(bool row, select.Bind(1, campaign_id).Bind(2, trajectory_id).Bind(3, seq).Step());
  std::optional<Sha256Digest> hash;
  if (row) {
    ASSIGN_OR_RETURN(hash, select.Digest(0));
  }
  return hash;
}

struct NamedHead {
  std::string trajectory_id;
  int64_t seq = 0;
  std::string hash;
};

std::optional<std::vector<NamedHead>> ParseHeads(const std::string& payload) {
  auto json = ParseJsonObject(payload, "campaign head");
  if (!json || !json.value()["heads"].is_array()) return std::nullopt;
  std::vector<NamedHead> heads;
  for (const Json& entry : json.value()["heads"].Items()) {
    bool whole = entry["trajectory_id"].is_text() && entry["seq"].is_integer() && entry["hash"].is_text();
    if (!whole) return std::nullopt;
    heads.push_back({entry["trajectory_id"].Text(), entry["seq"].Integer(), entry["hash"].Text()});
  }
  return heads;
}

}  // namespace

Result<std::optional<Finding>> LogCheck::Run() {
  ASSIGN_OR_RETURN(Statement select, database_->Prepare("SELECT " + std::string(kEventColumns) +
                                                        " FROM events e ORDER BY e.row_id"));
  while (true) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return std::optional<Finding>();
    ASSIGN_OR_RETURN(std::optional<Finding> finding, CheckRow(select));
    if (finding) return finding;
  }
}

LogCheck::MaybeFinding LogCheck::CheckRow(const Statement& row) {
  int64_t row_id = row.Int64(0);
  if (row_id != last_row_id_ + 1) {
    return std::optional(Finding{What::kRemoved, "event row " + std::to_string(last_row_id_ + 1),
                                 "the log goes on at row " + std::to_string(row_id), last_row_id_ + 1});
  }
  last_row_id_ = row_id;
  if (!campaign_id_.empty() && row.Text(1) != campaign_id_) return std::optional<Finding>();

  bool payload_is_blob = false;
  auto read = ReadEvent(row, &payload_is_blob);
  if (!read && read.error().code == ErrorCode::kDataCorrupt) {
    return std::optional(Finding{What::kChanged, "event row " + std::to_string(row_id), read.error().context, row_id});
  }
  ASSIGN_OR_RETURN(Event event, std::move(read));

  ChainEnd& end = ends_[{event.body.campaign_id, event.body.trajectory_id}];
  ASSIGN_OR_RETURN(std::optional<Finding> finding, CheckOrder(event, end));
  if (!finding) finding = CheckHashes(event, payload_is_blob, end);
  if (!finding && event.body.kind == EventKind::kCampaignHead) {
    ASSIGN_OR_RETURN(finding, CheckCampaignHead(event, payload_is_blob));
  }
  if (finding) return finding;

  end = {event.seq, event.hash};
  if (payload_is_blob) Name(event.payload_sha256, row_id, "payload");
  for (const ContentRef& ref : event.body.refs) Name(ref.sha256, row_id, ref.name);
  Fold(event);
  ++events_;
  return finding;
}

Result<Event> LogCheck::ReadEvent(const Statement& row, bool* payload_is_blob) {
  ASSIGN_OR_RETURN(Event event, ReadEventRow(row, payload_is_blob));
  ASSIGN_OR_RETURN(event.body.refs, ReadRefs(database_, event.row_id));
  return event;
}

LogCheck::MaybeFinding LogCheck::CheckOrder(const Event& event, const ChainEnd& end) {
  int64_t expected = end.seq + 1;
  if (event.seq == expected) return std::optional<Finding>();
  ASSIGN_OR_RETURN(auto elsewhere, HashAt(database_, event.body.campaign_id, event.body.trajectory_id, expected));
  std::string text = "seq " + std::to_string(expected) + " was expected here";
  if (elsewhere) return std::optional(At(event, What::kReordered, text + " and stands further on"));
  if (event.seq > expected) return std::optional(At(event, What::kRemoved, text + ": what stood before is gone"));
  return std::optional(At(event, What::kAdded, text));
}

std::optional<Finding> LogCheck::CheckHashes(const Event& event, bool payload_is_blob, const ChainEnd& end) {
  if (!payload_is_blob && Sha256().Update(event.body.payload).Finish() != event.payload_sha256) {
    return At(event, What::kChanged, "the payload does not have the digest that the row names");
  }
  bool hash_holds = HashOf(event) == event.hash;
  bool link_holds = event.prev_hash == end.hash;
  if (hash_holds && link_holds) return std::nullopt;
  if (link_holds) return At(event, What::kChanged, "its fields do not have the hash that was written with them");
  if (hash_holds) {
    return At(event, What::kAdded, "it does not follow the event before it: one of the two is not what was written");
  }
  return At(event, What::kAdded, "neither its hash nor its link to the event before it holds");
}

LogCheck::MaybeFinding LogCheck::CheckCampaignHead(const Event& event, bool payload_is_blob) {
  std::string payload = event.body.payload;
  if (payload_is_blob) {
    auto blob = ReadBlob(database_, event.payload_sha256);
    // Damage of the blob is named by the content pass.
    if (!blob) return std::optional<Finding>();
    payload = std::move(blob).value();
  }
  auto heads = ParseHeads(payload);
  if (!heads) return std::optional(At(event, What::kChanged, "the payload is no list of heads"));
  for (const NamedHead& head : *heads) {
    ASSIGN_OR_RETURN(auto hash, HashAt(database_, event.body.campaign_id, head.trajectory_id, head.seq));
    std::string chain = "trajectory " + head.trajectory_id + ", seq " + std::to_string(head.seq);
    if (!hash) return std::optional(At(event, What::kRemoved, "it names " + chain + ", which is gone"));
    if (ToHex(*hash) != head.hash) {
      std::string text = "it names another hash for " + chain + ": that chain was rewritten";
      return std::optional(At(event, What::kChanged, std::move(text)));
    }
  }
  return std::optional<Finding>();
}

void LogCheck::Name(const Sha256Digest& sha256, int64_t row_id, std::string name) {
  if (content_index_.emplace(sha256, content_.size()).second) content_.push_back({sha256, row_id, std::move(name)});
}

void LogCheck::Fold(const Event& event) {
  Apply(event, &campaigns_[event.body.campaign_id]);
  if (!event.body.trajectory_id.empty()) Apply(event, &trajectories_[event.body.trajectory_id]);
}

}  // namespace passnet::trajectories
