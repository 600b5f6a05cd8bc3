#include "trajectories/recent_rows.h"

#include <string>

#include "trajectories/event_table.h"

namespace passnet::trajectories {
namespace {

// Chosen: more than one group's commit rarely holds, and read in a millisecond.
constexpr size_t kRemembered = 256;

}  // namespace

Result<RowHash> ReadLastRow(Database* database) {
  ASSIGN_OR_RETURN(Statement select, database->Prepare("SELECT row_id, hash FROM events ORDER BY row_id DESC LIMIT 1"));
  ASSIGN_OR_RETURN(bool row, select.Step());
  RowHash last;
  if (!row) return last;
  last.row_id = select.Int64(0);
  ASSIGN_OR_RETURN(last.hash, select.Digest(1));
  return last;
}

Status RecentRows::Learn(Database* database) {
  ASSIGN_OR_RETURN(Statement select,
                   database->Prepare("SELECT row_id, hash FROM (SELECT row_id, hash FROM events WHERE row_id > ?1 "
                                     "ORDER BY row_id DESC LIMIT ?2) ORDER BY row_id"));
  select.Bind(1, newest().row_id).Bind(2, static_cast<int64_t>(kRemembered));
  while (true) {
    ASSIGN_OR_RETURN(bool row, select.Step());
    if (!row) break;
    RowHash learnt;
    learnt.row_id = select.Int64(0);
    ASSIGN_OR_RETURN(learnt.hash, select.Digest(1));
    rows_.push_back(learnt);
  }
  while (rows_.size() > kRemembered) rows_.pop_front();
  return OkStatus();
}

Status RecentRows::Compare(Database* database) const {
  for (const RowHash& known : rows_) {
    ASSIGN_OR_RETURN(Statement select, database->Prepare("SELECT " + std::string(kEventColumns) +
                                                         " FROM events e WHERE e.row_id = ?1"));
    select.Bind(1, known.row_id);
    ASSIGN_OR_RETURN(auto events, ReadEvents(database, &select, false));
    if (events.size() == 1 && events.front().hash == known.hash && HashOf(events.front()) == known.hash) continue;
    return DataCorrupt("journal " + database->path() + ": row " + std::to_string(known.row_id) +
                       " was acknowledged and is not in the file any more as it was written: the disk has lost it; " +
                       "nothing more is written. Check the disk, run passnet verify and restore a copy");
  }
  return OkStatus();
}

}  // namespace passnet::trajectories
