// Writes groups of batches, each group in one transaction; and finds out, after an input or output error, what of it is
// in the file. A failed fsync says nothing about what the disk holds (sqlite.org/atomiccommit.html): the connection is
// closed, the file opened anew and its newest rows are compared with those that were acknowledged.
// Threads: thread-compatible (pn-db only, after construction). Owns: the connection.
// Errors: of Open: as Store::Open. Of Write: kResourceExhausted (full), kUnavailable (locked by another process),
// kPermissionDenied (read-only): nothing was written, and the same group may be written again; any other: see
// suspicion().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "trajectories/batch.h"
#include "trajectories/database.h"
#include "trajectories/group_states.h"
#include "trajectories/recent_rows.h"
#include "trajectories/store.h"

namespace passnet::trajectories {

class GroupWriter {
 public:
  using Group = std::vector<std::shared_ptr<const Batch>>;
  using Answers = std::vector<Result<Appended>>;  // one a batch

  static Result<std::unique_ptr<GroupWriter>> Open(DatabaseOptions options, const Clock* clock);

  // One answer a batch; an error when the group was not written as a whole. Answers hold although there is a suspicion.
  Result<Answers> Write(const Group& group);

  // An error of which nobody knows what it left on the disk, or after which what was acknowledged could not be read back:
  // Examine before anything else is written.
  const std::optional<Error>& suspicion() const { return suspicion_; }
  // The answers of the latest group when it got none and is in the file after all, and now surely on the disk.
  // kDataCorrupt: the file does not hold what was acknowledged. Any other error: the disk still fails, try later.
  Result<std::optional<Answers>> Examine();

  // Moves what the WAL holds into the file when it is long. An error leaves everything in the WAL.
  Status Checkpoint();

  // The newest acknowledged row; 0: none.
  int64_t last_row_id() const { return (Unread() ? pending_->end : acknowledged_.newest()).row_id; }
  // May be null while there is a suspicion.
  Database* database() const { return database_.get(); }

 private:
  GroupWriter(DatabaseOptions options, const Clock* clock) : options_(std::move(options)), clock_(*clock) {}

  // A group that acknowledged_ does not have: where the log ends with it, and what it would have been answered when its
  // COMMIT failed; nothing when it was answered and could not be read back.
  struct Pending {
    std::optional<Answers> answers;
    RowHash end;
  };
  bool Unread() const { return pending_ && !pending_->answers; }

  enum class Savepoints { kNone, kEachBatch };
  Result<Pending> WriteInTransaction(const Group& group);
  // Nothing when a batch failed alone and there was no savepoint to go back to: nothing is written then.
  Result<std::optional<Pending>> TryGroup(const Group& group, Savepoints savepoints);
  Status WriteWithSavepoint(const Batch& batch, GroupStates* states, Answers* answers);
  Status WriteOne(const Batch& batch, GroupStates* states, Answers* answers);
  bool ConcernsOneBatch(const Error& error) const;

  const DatabaseOptions options_;
  const Clock& clock_;
  std::unique_ptr<Database> database_;
  RecentRows acknowledged_;
  std::optional<Pending> pending_;
  std::optional<Error> suspicion_;
};

}  // namespace passnet::trajectories
