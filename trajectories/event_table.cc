#include "trajectories/event_table.h"

#include "trajectories/batch.h"
#include "trajectories/content_table.h"

namespace passnet::trajectories {
namespace {

Status InsertRefs(Database* database, const Event& event) {
  if (event.body.refs.empty()) return OkStatus();
  ASSIGN_OR_RETURN(Statement insert,
                   database->Prepare("INSERT INTO event_refs (row_id, ordinal, name, sha256) VALUES (?1, ?2, ?3, ?4)"));
  int64_t ordinal = 0;
  for (const ContentRef& ref : event.body.refs) {
    insert.Bind(1, event.row_id).Bind(2, ordinal++).Bind(3, ref.name).Bind(4, ref.sha256);
    RETURN_IF_ERROR(insert.Run());
    insert.Reset();
  }
  return OkStatus();
}

}  // namespace

Status InsertEvent(Database* database, const Event& event) {
  ASSIGN_OR_RETURN(
      Statement insert,
      database->Prepare("INSERT INTO events (row_id, campaign_id, trajectory_id, seq, kind, at_utc_us, subject, label, "
                        "round, score, prompt_tokens, completion_tokens, cost_microusd, payload, payload_sha256, "
                        "prev_hash, hash) "
                        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)"));
  const EventDraft& body = event.body;
  insert.Bind(1, event.row_id).Bind(2, body.campaign_id).Bind(3, body.trajectory_id).Bind(4, event.seq);
  insert.Bind(5, EventKindName(body.kind)).Bind(6, event.at_utc_us).Bind(7, body.subject).Bind(8, body.label);
  insert.Bind(9, body.round).Bind(10, body.score).Bind(11, body.prompt_tokens).Bind(12, body.completion_tokens);
  insert.Bind(13, body.cost_microusd);
  if (body.payload.size() > kInlinePayloadBytes) {
    insert.BindNull(14);
  } else {
    insert.BindBytes(14, body.payload);
  }
  insert.Bind(15, event.payload_sha256).Bind(16, event.prev_hash).Bind(17, event.hash);
  RETURN_IF_ERROR(insert.Run());
  return InsertRefs(database, event);
}

Result<Event> ReadEventRow(const Statement& row, bool* payload_is_blob) {
  Event event;
  event.row_id = row.Int64(0);
  event.body.campaign_id = row.Text(1);
  event.body.trajectory_id = row.Text(2);
  event.seq = row.Int64(3);
  std::string kind = row.Text(4);
  auto known = EventKindFromName(kind);
  if (!known) {
    return DataCorrupt("journal: event row " + std::to_string(event.row_id) + " has kind \"" + kind +
                       "\", which this program does not know; use the newer program that wrote it");
  }
  event.body.kind = *known;
  event.at_utc_us = row.Int64(5);
  event.body.subject = row.Text(6);
  event.body.label = row.Text(7);
  event.body.round = row.OptionalInt64(8);
  event.body.score = row.OptionalDouble(9);
  event.body.prompt_tokens = row.OptionalInt64(10);
  event.body.completion_tokens = row.OptionalInt64(11);
  event.body.cost_microusd = row.OptionalInt64(12);
  ASSIGN_OR_RETURN(event.payload_sha256, row.Digest(13));
  ASSIGN_OR_RETURN(event.prev_hash, row.Digest(14));
  ASSIGN_OR_RETURN(event.hash, row.Digest(15));
  *payload_is_blob = row.IsNull(16);
  event.body.payload = row.Text(16);
  return event;
}

Result<std::vector<ContentRef>> ReadRefs(Database* database, int64_t row_id) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT name, sha256 FROM event_refs WHERE row_id = ?1 ORDER BY ordinal"));
  select.Bind(1, row_id);
  std::vector<ContentRef> refs;
  while (true) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) return refs;
    ASSIGN_OR_RETURN(Sha256Digest sha256, select.Digest(1));
    refs.push_back({select.Text(0), sha256});
  }
}

Result<std::vector<Event>> ReadEvents(Database* database, Statement* select, bool with_payload) {
  std::vector<Event> events;
  while (true) {
    ASSIGN_OR_RETURN(bool row, select->Step());
    if (!row) return events;
    bool payload_is_blob = false;
    ASSIGN_OR_RETURN(Event event, ReadEventRow(*select, &payload_is_blob));
    ASSIGN_OR_RETURN(event.body.refs, ReadRefs(database, event.row_id));
    if (!with_payload) {
      event.body.payload.clear();
    } else if (payload_is_blob) {
      ASSIGN_OR_RETURN(event.body.payload, ReadBlob(database, event.payload_sha256));
    }
    events.push_back(std::move(event));
  }
}

Result<ChainEnd> ReadChainEnd(Database* database, std::string_view campaign_id, std::string_view trajectory_id) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT seq, hash FROM events WHERE campaign_id = ?1 AND trajectory_id = ?2 "
                                     "ORDER BY seq DESC LIMIT 1"));
  ASSIGN_OR_RETURN(bool row, select.Bind(1, campaign_id).Bind(2, trajectory_id).Step());
  ChainEnd end;
  if (!row) return end;
  end.seq = select.Int64(0);
  ASSIGN_OR_RETURN(end.hash, select.Digest(1));
  return end;
}

Result<int64_t> ReadLastRowId(Database* database) {
  ASSIGN_OR_RETURN(Statement select, database->Prepare("SELECT coalesce(max(row_id), 0) FROM events"));
  ASSIGN_OR_RETURN(bool row, select.Step());
  return row ? select.Int64(0) : 0;
}

}  // namespace passnet::trajectories
