#include "trajectories/group_writer.h"

#include <utility>

#include "base/failpoint.h"
#include "trajectories/batch_writer.h"
#include "trajectories/event_table.h"
#include "trajectories/schema.h"

namespace passnet::trajectories {
namespace {

// 32 MiB. With SQLite's own 1000 a checkpoint followed every second group of 1,000 trajectories, and wrote pages that the
// next group changed again.
constexpr int kCheckpointPages = 8000;

// The file is as it was, whatever the statement: wait and write again.
bool PassesByWaiting(const Error& error) {
  return error.code == ErrorCode::kResourceExhausted || error.code == ErrorCode::kUnavailable ||
         error.code == ErrorCode::kPermissionDenied;
}

}  // namespace

Result<std::unique_ptr<GroupWriter>> GroupWriter::Open(DatabaseOptions options, const Clock* clock) {
  std::unique_ptr<GroupWriter> writer(new GroupWriter(std::move(options), clock));
  ASSIGN_OR_RETURN(writer->database_, Database::Open(writer->options_));
  RETURN_IF_ERROR(Migrate(writer->database_.get()));
  RETURN_IF_ERROR(writer->acknowledged_.Learn(writer->database_.get()));
  return writer;
}

Result<GroupWriter::Answers> GroupWriter::Write(const Group& group) {
  auto written = WriteInTransaction(group);
  if (!written) {
    const Error& error = written.error();
    if (!PassesByWaiting(error) && error.code != ErrorCode::kInternal) suspicion_ = error;
    return error;
  }
  // It is durable, whether or not it can be read back; what cannot is looked at before the next group.
  if (auto learnt = acknowledged_.Learn(database_.get()); !learnt) {
    pending_ = Pending{std::nullopt, written.value().end};
    suspicion_ = learnt.error();
  }
  return std::move(*written.value().answers);
}

// A savepoint for each batch lets one of them fail alone, and makes SQLite copy every page that the batch changes. Nearly
// none ever fails: the group is written without them, and once more with them when one has.
Result<GroupWriter::Pending> GroupWriter::WriteInTransaction(const Group& group) {
  ASSIGN_OR_RETURN(auto written, TryGroup(group, Savepoints::kNone));
  if (written) return std::move(*written);
  ASSIGN_OR_RETURN(written, TryGroup(group, Savepoints::kEachBatch));
  return std::move(*written);
}

Result<std::optional<GroupWriter::Pending>> GroupWriter::TryGroup(const Group& group, Savepoints savepoints) {
  pending_.reset();
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_.get()));
  GroupStates states(database_.get());
  Answers answers;
  for (const auto& batch : group) {
    RETURN_IF_ERROR(savepoints == Savepoints::kNone ? WriteOne(*batch, &states, &answers)
                                                    : WriteWithSavepoint(*batch, &states, &answers));
    if (!answers.back() && savepoints == Savepoints::kNone) return std::optional<Pending>();
  }
  RETURN_IF_ERROR(states.Write());
  ASSIGN_OR_RETURN(RowHash end, ReadLastRow(database_.get()));
  Pending written{std::move(answers), end};
  PASSNET_FAILPOINT("store.before_commit");
  if (auto committed = transaction.Commit(); !committed) {
    pending_ = std::move(written);
    return committed.error();
  }
  PASSNET_FAILPOINT("store.after_commit");
  return std::optional(std::move(written));
}

// An error fails the whole group; what fails this batch alone is its answer.
Status GroupWriter::WriteOne(const Batch& batch, GroupStates* states, Answers* answers) {
  auto written = WriteBatch(database_.get(), clock_, states, batch);
  if (!written && !ConcernsOneBatch(written.error())) return written.error();
  answers->push_back(std::move(written));
  return OkStatus();
}

Status GroupWriter::WriteWithSavepoint(const Batch& batch, GroupStates* states, Answers* answers) {
  RETURN_IF_ERROR(database_->Execute("SAVEPOINT batch"));
  states->BeginBatch();
  RETURN_IF_ERROR(WriteOne(batch, states, answers));
  if (!answers->back()) {
    states->TakeBatchBack();
    // SQLite has rolled back everything by itself after some errors; the savepoint is then gone too.
    if (database_->InTransaction()) RETURN_IF_ERROR(database_->Execute("ROLLBACK TO batch"));
  }
  return database_->Execute("RELEASE batch");
}

// What is wrong with one batch, or with the rows that it goes on from; everything else is wrong with the disk or the
// database.
bool GroupWriter::ConcernsOneBatch(const Error& error) const {
  if (error.code == ErrorCode::kDataCorrupt) return !database_->LastErrorWasCorruption();
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kAlreadyExists;
}

Result<std::optional<GroupWriter::Answers>> GroupWriter::Examine() {
  if (database_ != nullptr) {
    database_->LeaveLogOnClose();
    database_.reset();
  }
  ASSIGN_OR_RETURN(auto opened, Database::Open(options_));
  RETURN_IF_ERROR(acknowledged_.Compare(opened.get()));
  ASSIGN_OR_RETURN(RowHash end, ReadLastRow(opened.get()));
  std::optional<Answers> answers;
  if (end != acknowledged_.newest() || Unread()) {
    if (!pending_ || end != pending_->end) {
      return DataCorrupt("journal " + options_.path + ": the file ends with row " + std::to_string(end.row_id) +
                         ", the last that was acknowledged is row " + std::to_string(last_row_id()) +
                         ", and nobody was writing what differs; run passnet verify");
    }
    // After a failed fsync the log's pages may be in memory alone, since the system forgets that it could not write them:
    // the file gets them.
    if (!Unread()) RETURN_IF_ERROR(opened->CheckpointAll());
    RETURN_IF_ERROR(acknowledged_.Learn(opened.get()));
    answers = std::move(pending_->answers);
  }
  pending_.reset();
  database_ = std::move(opened);
  suspicion_.reset();
  return answers;
}

Status GroupWriter::Checkpoint() {
  auto done = database_->CheckpointAbove(kCheckpointPages);
  if (!done && !PassesByWaiting(done.error())) suspicion_ = done.error();
  return done;
}

}  // namespace passnet::trajectories
