// The tables events and event_refs.
// Threads: as Database. Errors: kAlreadyExists (a unique rule of docs/formats.md), kDataCorrupt (a kind that this
// program does not know, a digest of the wrong size), those of Database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trajectories/database.h"
#include "trajectories/event.h"

namespace passnet::trajectories {

Status InsertEvent(Database* database, const Event& event);

// The columns that ReadEventRow expects, in order, for "SELECT <these> FROM events e".
inline constexpr std::string_view kEventColumns =
    "e.row_id, e.campaign_id, e.trajectory_id, e.seq, e.kind, e.at_utc_us, e.subject, e.label, e.round, e.score, "
    "e.prompt_tokens, e.completion_tokens, e.cost_microusd, e.payload_sha256, e.prev_hash, e.hash, e.payload";

// The event without its refs; `*payload_is_blob` tells whether the payload lies in blobs.
Result<Event> ReadEventRow(const Statement& row, bool* payload_is_blob);
Result<std::vector<ContentRef>> ReadRefs(Database* database, int64_t row_id);

// All rows of a bound statement over kEventColumns, with their refs and, if asked for, payloads.
Result<std::vector<Event>> ReadEvents(Database* database, Statement* select, bool with_payload);

struct ChainEnd {
  int64_t seq = 0;  // 0: the chain is empty
  Sha256Digest hash{};
};
Result<ChainEnd> ReadChainEnd(Database* database, std::string_view campaign_id, std::string_view trajectory_id);
Result<int64_t> ReadLastRowId(Database* database);

}  // namespace passnet::trajectories
