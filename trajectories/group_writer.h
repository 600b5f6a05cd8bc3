// Writes groups of batches, each group in one transaction; and finds out, after an input or output error, what of it is
// in the file. A failed fsync says nothing about what the disk holds (sqlite.org/atomiccommit.html): the connection is
// closed, the file opened anew and its newest rows are compared with those that were acknowledged.
// Threads: thread-compatible (pn-db only, after construction). Owns: the connection.
// Errors: of Open: as Store::Open. Of Write: kResourceExhausted (full), kUnavailable (locked by another process),
// kPermissionDenied (read-only): nothing was written, and the same group may be written again; any other: see suspect().
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

  // One answer a batch; an error when the group was not written as a whole.
  Result<Answers> Write(const Group& group);

  // After an error of which nobody knows what it left on the disk: Examine before anything else is written.
  bool suspect() const { return suspect_; }
  // The answers of the latest group when it is in the file after all, and now surely on the disk; nothing when it is not.
  // kDataCorrupt: the file does not hold what was acknowledged. Any other error: the disk still fails, try later.
  Result<std::optional<Answers>> Examine();

  // Moves what the WAL holds into the file when it is long. An error leaves everything in the WAL.
  Status Checkpoint();

  // The newest acknowledged row; 0: none.
  int64_t last_row_id() const { return acknowledged_.newest().row_id; }
  // May be null while suspect().
  Database* database() const { return database_.get(); }

 private:
  GroupWriter(DatabaseOptions options, const Clock* clock) : options_(std::move(options)), clock_(*clock) {}
  enum class Savepoints { kNone, kEachBatch };
  Result<Answers> WriteInTransaction(const Group& group);
  // Nothing when a batch failed alone and there was no savepoint to go back to: nothing is written then.
  Result<std::optional<Answers>> TryGroup(const Group& group, Savepoints savepoints);
  Status WriteWithSavepoint(const Batch& batch, GroupStates* states, Answers* answers);
  Status WriteOne(const Batch& batch, GroupStates* states, Answers* answers);
  bool ConcernsOneBatch(const Error& error) const;

  // A group whose COMMIT failed: what it would have been answered, and where the log would end.
  struct Pending {
    Answers answers;
    RowHash end;
  };

  const DatabaseOptions options_;
  const Clock& clock_;
  std::unique_ptr<Database> database_;
  RecentRows acknowledged_;
  std::optional<Pending> pending_;
  bool suspect_ = false;
};

}  // namespace passnet::trajectories
