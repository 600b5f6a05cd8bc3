#include "trajectories/store.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>
#include <vector>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "trajectories/batch_writer.h"
#include "trajectories/event_table.h"
#include "trajectories/schema.h"
#include "trajectories/store_lock.h"

namespace passnet::trajectories {
namespace {

// One fsync is shared by at most this much. Chosen: far above what arrives during one fsync, far below what would keep
// a waiter for long.
constexpr size_t kGroupBatches = 256;
constexpr size_t kGroupBytes = size_t{32} << 20;
// SQLite's own default for automatic checkpoints.
constexpr int kCheckpointPages = 1000;

// Prompts and replies are nobody else's business. The file is made here rather than by SQLite, which would make it
// readable for everybody; it is new, so closing it drops nobody's locks.
Status CreatePrivately(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) return errno == EEXIST ? OkStatus() : Status(Error::FromErrno("create journal", path, errno));
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || ::fsync(directory.get()) != 0) return Error::FromErrno("fsync", folder, errno);
  return OkStatus();
}

// What is wrong with one batch; everything else is wrong with the disk or the database.
bool ConcernsOneBatch(const Error& error) {
  return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kAlreadyExists;
}

void EndTheProcess(const Error& error) {
  log::Err("trajectories", "the journal's disk failed; the process ends so that nothing unwritten is acted upon",
           {{"error", ToString(error)}});
  ::_exit(1);
}

}  // namespace

class Store::Impl {
 public:
  Impl(StoreOptions options, StoreLock lock, std::unique_ptr<Database> database, int64_t last_row_id)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        database_(std::move(database)),
        last_row_id_(last_row_id),
        thread_([this] { Run(); }) {}

  ~Impl() {
    {
      std::lock_guard lock(mutex_);
      closing_ = true;
    }
    work_.notify_all();
    committed_.notify_all();
    thread_.join();
  }

  Status Queue(std::shared_ptr<const Batch> batch, AppendDone done) {
    size_t bytes = batch->size_bytes();
    {
      std::lock_guard lock(mutex_);
      if (failed_) return *failed_;
      if (closing_) return Error{ErrorCode::kCancelled, "journal: the store is closing"};
      if (queue_.size() >= options_.queue_batches || queued_bytes_ + bytes > options_.queue_bytes) {
        return Error{ErrorCode::kOverloaded, "journal: " + std::to_string(queue_.size()) +
                                                 " batches are waiting for the disk; retry later"};
      }
      queued_bytes_ += bytes;
      queue_.push_back({std::move(batch), std::move(done), bytes});
    }
    work_.notify_one();
    return OkStatus();
  }

  int64_t LastRowId() const {
    std::lock_guard lock(mutex_);
    return last_row_id_;
  }

  bool WaitForRowAfter(int64_t after, Deadline deadline) const {
    std::unique_lock lock(mutex_);
    auto ready = [&] { return last_row_id_ > after || closing_ || failed_; };
    if (deadline.at() == SteadyTime::max()) {
      committed_.wait(lock, ready);
    } else {
      committed_.wait_until(lock, deadline.at(), ready);
    }
    return last_row_id_ > after;
  }

 private:
  struct Item {
    std::shared_ptr<const Batch> batch;
    AppendDone done;
    size_t bytes;
  };

  void Run() {
    ::pthread_setname_np(::pthread_self(), "pn-db");
    for (std::vector<Item> group = TakeGroup(); !group.empty(); group = TakeGroup()) CommitGroup(group);
  }

  // Empty: closing, and nothing is left.
  std::vector<Item> TakeGroup() {
    std::unique_lock lock(mutex_);
    work_.wait(lock, [this] { return !queue_.empty() || closing_; });
    std::vector<Item> group;
    size_t bytes = 0;
    while (!queue_.empty() && group.size() < kGroupBatches && bytes < kGroupBytes) {
      bytes += queue_.front().bytes;
      group.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queued_bytes_ -= bytes;
    return group;
  }

  void CommitGroup(std::vector<Item>& group) {
    auto results = Failed() ? Result<std::vector<Result<Appended>>>(*Failed()) : WriteGroup(group);
    if (results) Publish();
    for (size_t i = 0; i < group.size(); ++i) {
      // Destroyed right after its call: what a callback holds (a loop's work guard, a batch) must not wait for the
      // next group.
      Item item = std::move(group[i]);
      item.done(results ? std::move(results.value()[i]) : Result<Appended>(results.error()));
    }
    if (results) Checkpoint();
  }

  // One result a batch; an error when none of them was written.
  Result<std::vector<Result<Appended>>> WriteGroup(const std::vector<Item>& group) {
    ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database_.get()));
    std::vector<Result<Appended>> results;
    int64_t last_row_id = 0;
    for (const Item& item : group) {
      results.push_back(WriteOne(*item.batch));
      if (!results.back() && !ConcernsOneBatch(results.back().error())) return results.back().error();
    }
    ASSIGN_OR_RETURN(last_row_id, ReadLastRowId(database_.get()));
    PASSNET_FAILPOINT("store.before_commit");
    if (auto committed = transaction.Commit(); !committed) {
      if (database_->LastErrorWasFsync()) Fail(committed.error());
      return committed.error();
    }
    PASSNET_FAILPOINT("store.after_commit");
    written_row_id_ = last_row_id;
    return results;
  }

  Result<Appended> WriteOne(const Batch& batch) {
    RETURN_IF_ERROR(database_->Execute("SAVEPOINT batch"));
    auto written = WriteBatch(database_.get(), *options_.clock, batch);
    if (!written) {
      // SQLite has rolled back everything by itself after some errors; the savepoint is then gone too.
      if (database_->InTransaction()) RETURN_IF_ERROR(database_->Execute("ROLLBACK TO batch"));
      if (!ConcernsOneBatch(written.error())) return written;
    }
    RETURN_IF_ERROR(database_->Execute("RELEASE batch"));
    return written;
  }

  void Publish() {
    {
      std::lock_guard lock(mutex_);
      last_row_id_ = written_row_id_;
    }
    committed_.notify_all();
  }

  void Checkpoint() {
    auto done = database_->CheckpointAbove(kCheckpointPages);
    if (done) return;
    if (database_->LastErrorWasFsync()) {
      Fail(done.error());
    } else {
      // The WAL still holds everything; the next commit tries again.
      log::Warning("trajectories", "checkpoint failed", {{"error", ToString(done.error())}});
    }
  }

  void Fail(const Error& error) {
    {
      std::lock_guard lock(mutex_);
      failed_ = error;
    }
    committed_.notify_all();
    if (options_.on_fatal) {
      options_.on_fatal(error);
    } else {
      EndTheProcess(error);
    }
  }

  std::optional<Error> Failed() const {
    std::lock_guard lock(mutex_);
    return failed_;
  }

  const StoreOptions options_;
  const StoreLock lock_;
  const std::unique_ptr<Database> database_;  // pn-db only, after construction
  int64_t written_row_id_ = 0;                // pn-db only

  mutable std::mutex mutex_;
  mutable std::condition_variable committed_;
  std::condition_variable work_;
  std::deque<Item> queue_;       // guarded by mutex_, as all below
  size_t queued_bytes_ = 0;
  bool closing_ = false;
  std::optional<Error> failed_;
  int64_t last_row_id_;

  std::thread thread_;  // last: starts when everything else stands
};

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  ASSIGN_OR_RETURN(StoreLock lock, StoreLock::Take(options.path));
  RETURN_IF_ERROR(CreatePrivately(options.path));
  ASSIGN_OR_RETURN(std::unique_ptr<Database> database,
                   Database::Open({.path = options.path, .read_only = false, .vfs = options.vfs}));
  RETURN_IF_ERROR(Migrate(database.get()));
  ASSIGN_OR_RETURN(int64_t last_row_id, ReadLastRowId(database.get()));
  auto impl = std::make_unique<Impl>(std::move(options), std::move(lock), std::move(database), last_row_id);
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

Result<Appended> Store::Append(const Batch& batch) {
  // Borrowed: this call outlives the wait.
  std::shared_ptr<const Batch> borrowed(std::shared_ptr<void>(), &batch);
  std::promise<Result<Appended>> promise;
  auto result = promise.get_future();
  RETURN_IF_ERROR(impl_->Queue(borrowed, [&promise](Result<Appended> done) { promise.set_value(std::move(done)); }));
  return result.get();
}

Status Store::AppendAsync(std::shared_ptr<const Batch> batch, AppendDone done) {
  return impl_->Queue(std::move(batch), std::move(done));
}

int64_t Store::LastRowId() const { return impl_->LastRowId(); }

bool Store::WaitForRowAfter(int64_t after, Deadline deadline) const {
  return impl_->WaitForRowAfter(after, deadline);
}

}  // namespace passnet::trajectories
