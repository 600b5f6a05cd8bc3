#include "trajectories/group_writer.h"

#include <utility>

#include "base/failpoint.h"
#include "trajectories/batch_writer.h"
#include "trajectories/event_table.h"
#include "trajectories/schema.h"

namespace passnet::trajectories {
namespace {

// SQLite's own default for automatic checkpoints.
constexpr int kCheckpointPages = 1000;

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

Result<GroupWriter::Pending> GroupWriter::WriteInTransaction(const Group& group) {
  pending_.reset();
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_.get()));
  Answers answers;
  for (const auto& batch : group) {
    RETURN_IF_ERROR(WriteOne(*batch, &answers));
  }
  ASSIGN_OR_RETURN(RowHash end, ReadLastRow(database_.get()));
  Pending written{std::move(answers), end};
  PASSNET_FAILPOINT("store.before_commit");
  if (auto committed = transaction.Commit(); !committed) {
    pending_ = std::move(written);
    return committed.error();
  }
  PASSNET_FAILPOINT("store.after_commit");
  return written;
}

// An error fails the whole group; what fails this batch alone is its answer.
Status GroupWriter::WriteOne(const Batch& batch, Answers* answers) {
  RETURN_IF_ERROR(database_->Execute("SAVEPOINT batch"));
  auto written = WriteBatch(database_.get(), clock_, batch);
  if (!written) {
    const bool of_batch = ConcernsOneBatch(written.error());
    // SQLite has rolled back everything by itself after some errors; the savepoint is then gone too.
    if (database_->InTransaction()) RETURN_IF_ERROR(database_->Execute("ROLLBACK TO batch"));
    if (!of_batch) return written.error();
  }
  RETURN_IF_ERROR(database_->Execute("RELEASE batch"));
  answers->push_back(std::move(written));
  return OkStatus();
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
