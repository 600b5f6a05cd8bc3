#include "trajectories/batch_writer.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "trajectories/content_table.h"
#include "trajectories/event_table.h"

namespace passnet::trajectories {
namespace {

constexpr std::string_view kFinishedHead = "finished";
constexpr std::string_view kStateHead = "state";

// Content that no event stands on could never be told from content that somebody slipped in.
Status CheckContentIsNamed(const Batch& batch) {
  std::set<Sha256Digest> named;
  for (const PreparedEvent& event : batch.events()) {
    named.insert(event.payload_sha256);
    for (const ContentRef& ref : event.draft.refs) named.insert(ref.sha256);
  }
  for (const PreparedWhole& whole : batch.wholes()) {
    if (!named.contains(whole.sha256)) return InvalidArgument("journal: no event names request " + ToHex(whole.sha256));
    named.insert(whole.parts.begin(), whole.parts.end());
  }
  for (const PreparedBlob& blob : batch.blobs()) {
    if (!named.contains(blob.sha256)) return InvalidArgument("journal: no event names content " + ToHex(blob.sha256));
  }
  return OkStatus();
}

// An id that the journal does not know is the caller's mistake, not a missing file.
template <typename State>
Result<State> Known(Result<State> loaded) {
  if (loaded || loaded.error().code != ErrorCode::kNotFound) return loaded;
  return InvalidArgument(loaded.error().context + "; its first event must come before this one");
}

class Writer {
 public:
  // `stored`: content that is there, nobody need look.
  Writer(Database* database, const Clock& clock, GroupStates* states, std::set<Sha256Digest> stored, int64_t last_row_id)
      : database_(database), clock_(clock), states_(states), stored_(std::move(stored)), last_row_id_(last_row_id) {}

  Status Write(const EventDraft& draft, const Sha256Digest& payload_sha256) {
    auto written = WriteChecked(draft, payload_sha256);
    if (written) return OkStatus();
    return written.error().Prefixed("event " + std::string(EventKindName(draft.kind)) + " \"" + draft.subject + "\"");
  }

  Status WriteHeads(const Batch& batch) {
    std::map<std::string, std::set<std::string>> finished;
    std::set<std::string> changed_state;
    for (const PreparedEvent& event : batch.events()) {
      const EventDraft& draft = event.draft;
      if (draft.kind == EventKind::kCampaignState) changed_state.insert(draft.campaign_id);
      if (draft.kind == EventKind::kTrajectoryFinished) finished[draft.campaign_id].insert(draft.trajectory_id);
    }
    for (const std::string& campaign : changed_state) {
      ASSIGN_OR_RETURN(std::set<std::string> moved, MovedSinceStateHead(campaign));
      RETURN_IF_ERROR(WriteHead(campaign, kStateHead, moved));
      finished.erase(campaign);
    }
    for (const auto& [campaign, trajectories] : finished) {
      RETURN_IF_ERROR(WriteHead(campaign, kFinishedHead, trajectories));
    }
    return OkStatus();
  }

  int64_t last_row_id() const { return last_row_id_; }

 private:
  Status WriteChecked(const EventDraft& draft, const Sha256Digest& payload_sha256) {
    if (draft.kind != EventKind::kCampaignLaunched) {
      RETURN_IF_ERROR(Known(states_->Campaign(draft.campaign_id)));
    }
    if (!draft.trajectory_id.empty() && draft.kind != EventKind::kTrajectoryStarted) {
      ASSIGN_OR_RETURN(const TrajectoryState* trajectory, Known(states_->Trajectory(draft.trajectory_id)));
      if (trajectory->campaign_id != draft.campaign_id) {
        return InvalidArgument("journal: trajectory " + draft.trajectory_id + " belongs to campaign " +
                               trajectory->campaign_id + ", not " + draft.campaign_id);
      }
    }
    RETURN_IF_ERROR(CheckRefs(draft));
    ASSIGN_OR_RETURN(Event event, Complete(draft, payload_sha256));
    RETURN_IF_ERROR(InsertEvent(database_, event));
    last_row_id_ = event.row_id;
    states_->Apply(event);
    return OkStatus();
  }

  Status CheckRefs(const EventDraft& draft) {
    for (const ContentRef& ref : draft.refs) {
      if (stored_.contains(ref.sha256)) continue;
      ASSIGN_OR_RETURN(bool stored, HasContent(database_, ref.sha256));
      if (!stored) return InvalidArgument("journal: ref \"" + ref.name + "\" names content that is not stored");
    }
    return OkStatus();
  }

  // From the log itself, not from the cached state: a damaged cache must not bend the chain.
  Result<Event> Complete(const EventDraft& draft, const Sha256Digest& payload_sha256) {
    ASSIGN_OR_RETURN(ChainEnd end, ReadChainEnd(database_, draft.campaign_id, draft.trajectory_id));
    Event event;
    event.row_id = last_row_id_ + 1;
    event.seq = end.seq + 1;
    event.at_utc_us = clock_.UtcMicros();
    event.body = draft;
    event.payload_sha256 = payload_sha256;
    event.prev_hash = end.hash;
    event.hash = HashOf(event);
    return event;
  }

  Result<std::set<std::string>> MovedSinceStateHead(const std::string& campaign_id) {
    ASSIGN_OR_RETURN(
        Statement select,
        database_->Prepare("SELECT DISTINCT trajectory_id FROM events WHERE campaign_id = ?1 AND trajectory_id <> '' "
                           "AND row_id > (SELECT coalesce(max(row_id), 0) FROM events "
                           "WHERE campaign_id = ?1 AND kind = 'campaign_head' AND label = ?2) ORDER BY trajectory_id"));
    select.Bind(1, campaign_id).Bind(2, kStateHead);
    std::set<std::string> moved;
    while (true) {
      ASSIGN_OR_RETURN(bool row, select.Step());
      if (!row) return moved;
      moved.insert(select.Text(0));
    }
  }

  Status WriteHead(const std::string& campaign_id, std::string_view label, const std::set<std::string>& trajectories) {
    if (trajectories.empty()) return OkStatus();
    EventDraft draft;
    draft.campaign_id = campaign_id;
    draft.kind = EventKind::kCampaignHead;
    draft.label = label;
    draft.payload = R"({"schema":"passnet.campaign_head/1","heads":[)";
    for (const std::string& id : trajectories) {
      ASSIGN_OR_RETURN(ChainEnd end, ReadChainEnd(database_, campaign_id, id));
      if (draft.payload.back() != '[') draft.payload += ',';
      // Ids hold no character that JSON would escape (Validate).
      draft.payload += R"({"trajectory_id":")" + id + R"(","seq":)" + std::to_string(end.seq) + R"(,"hash":")" +
                       ToHex(end.hash) + R"("})";
    }
    draft.payload += "]}";
    return WriteOwn(std::move(draft));
  }

  // A head of hundreds of trajectories is longer than what is stored inline.
  Status WriteOwn(EventDraft draft) {
    Sha256Digest digest = Sha256().Update(draft.payload).Finish();
    if (draft.payload.size() > kInlinePayloadBytes) {
      Batch content;
      RETURN_IF_ERROR(content.AddBlob(draft.payload));
      RETURN_IF_ERROR(PutBlob(database_, content.blobs().front()));
    }
    return Write(draft, digest);
  }

  Database* database_;
  const Clock& clock_;
  GroupStates* states_;
  const std::set<Sha256Digest> stored_;
  int64_t last_row_id_;
};

}  // namespace

Result<Appended> WriteBatch(Database* database, const Clock& clock, GroupStates* states, const Batch& batch) {
  RETURN_IF_ERROR(CheckContentIsNamed(batch));
  std::set<Sha256Digest> stored;
  for (const PreparedBlob& blob : batch.blobs()) {
    RETURN_IF_ERROR(PutBlob(database, blob));
    stored.insert(blob.sha256);
  }
  for (const PreparedWhole& whole : batch.wholes()) {
    RETURN_IF_ERROR(PutWhole(database, whole));
    stored.insert(whole.sha256);
  }
  ASSIGN_OR_RETURN(int64_t last_row_id, ReadLastRowId(database));
  Writer writer(database, clock, states, std::move(stored), last_row_id);
  Appended appended;
  appended.first_row_id = last_row_id + 1;
  for (const PreparedEvent& event : batch.events()) RETURN_IF_ERROR(writer.Write(event.draft, event.payload_sha256));
  appended.last_row_id = writer.last_row_id();
  RETURN_IF_ERROR(writer.WriteHeads(batch));
  return appended;
}

}  // namespace passnet::trajectories
