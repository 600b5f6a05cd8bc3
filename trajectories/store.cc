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
#include <stop_token>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/unique_fd.h"
#include "trajectories/group_writer.h"
#include "trajectories/head_log.h"
#include "trajectories/store_lock.h"

namespace passnet::trajectories {
namespace {

// One fsync is shared by at most this much. Chosen: far above what arrives during one fsync, far below what would keep
// a waiter for long.
constexpr size_t kGroupBatches = 256;
constexpr size_t kGroupBytes = size_t{32} << 20;
constexpr Nanos kHeadInterval = std::chrono::seconds(1);  // chosen: one fsync a second of a file elsewhere

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

// Chosen: an append takes some milliseconds of fsync, one that waits out a disk as long as that lasts.
std::vector<Nanos> BoundsOfAppends() {
  return {std::chrono::microseconds(500), Millis(1), Millis(2), Millis(5), Millis(10), Millis(25), Millis(50), Millis(100),
          Millis(250), Millis(500), Millis(1000), Millis(2500), Millis(5000), Millis(10'000), Millis(60'000)};
}

void EndTheProcess(const Error& error) {
  log::Err("trajectories", "the journal's disk failed; the process ends so that nothing unwritten is acted upon",
           {{"error", ToString(error)}});
  ::_exit(3);  // docs/contracts.md, "Exit codes": the store
}

}  // namespace

class Store::Impl {
 public:
  // `hurry`: the writer's, which it waits for locks by.
  Impl(StoreOptions options, StoreLock lock, std::stop_source hurry, std::unique_ptr<GroupWriter> writer,
       std::optional<HeadLog> heads)
      : options_(std::move(options)),
        lock_(std::move(lock)),
        hurry_(std::move(hurry)),
        writer_(std::move(writer)),
        heads_(std::move(heads)),
        last_row_id_(writer_->last_row_id()),
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
      queue_.push_back({std::move(batch), std::move(done), bytes, Clock::System().Now()});
    }
    work_.notify_one();
    return OkStatus();
  }

  int64_t LastRowId() const {
    std::lock_guard lock(mutex_);
    return last_row_id_;
  }

  void GiveUpWaiting() {
    {
      std::lock_guard lock(mutex_);
      hurry_.request_stop();
    }
    work_.notify_all();
  }

  DurationHistogram::Counts AppendTimes() const { return append_times_.Read(); }

  std::string Trouble() const {
    std::lock_guard lock(mutex_);
    if (failed_) return failed_->context;
    return trouble_.empty() ? head_trouble_ : trouble_;
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
    SteadyTime queued;
  };

  void Run() {
    ::pthread_setname_np(::pthread_self(), "pn-db");
    for (;;) {
      std::vector<Item> group = TakeGroup();
      const bool ends = group.empty() && Closing();
      if (!group.empty()) CommitGroup(group);
      // Trouble ends by itself, also when nobody appends.
      if (group.empty() && !ends && writer_->suspicion() && !Failed() && Examine()) SetTrouble(std::nullopt);
      WriteHeads(ends);
      if (ends) return;
    }
  }

  // Empty: closing and nothing is left, heads are due, or a suspicion is to be looked into.
  std::vector<Item> TakeGroup() {
    std::unique_lock lock(mutex_);
    auto ready = [this] { return !queue_.empty() || closing_; };
    if (writer_->suspicion() && !failed_) {
      work_.wait_for(lock, options_.retry_wait, ready);
    } else if (auto due = heads_ && !writer_->suspicion() ? heads_->Due() : std::nullopt) {
      work_.wait_until(lock, *due, ready);
    } else {
      work_.wait(lock, ready);
    }
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
    GroupWriter::Group batches;
    for (const Item& item : group) batches.push_back(item.batch);
    auto answers = Failed() ? Result<GroupWriter::Answers>(*Failed()) : WriteSurely(batches);
    if (answers) Publish(batches);
    batches.clear();
    for (size_t i = 0; i < group.size(); ++i) {
      // Destroyed right after its call: what a callback holds (a loop's work guard, a batch) must not wait for the
      // next group.
      Item item = std::move(group[i]);
      if (answers) append_times_.Add(Clock::System().Now() - item.queued);
      item.done(answers ? std::move(answers.value()[i]) : Result<Appended>(answers.error()));
    }
    if (answers && !writer_->suspicion()) Checkpoint();
  }

  // Goes on until it is known whether the group is on the disk, for as long as that takes. An error means that it is
  // not, or that the journal has failed for good, or that the store closes.
  Result<GroupWriter::Answers> WriteSurely(const GroupWriter::Group& group) {
    bool tried = false;  // what is found of an earlier group was answered already, and is not this one's
    for (;;) {
      if (writer_->suspicion()) {
        ASSIGN_OR_RETURN(auto found, ExamineUntilKnown());
        if (found && tried) {
          SetTrouble(std::nullopt);
          return std::move(*found);
        }
      }
      tried = true;
      auto answers = writer_->Write(group);
      if (answers || writer_->suspicion()) SetTrouble(writer_->suspicion());
      if (answers || !writer_->suspicion()) return answers;
      if (!Rest()) return answers;
    }
  }

  Result<std::optional<GroupWriter::Answers>> ExamineUntilKnown() {
    for (;;) {
      auto examined = Examine();
      if (examined || examined.error().code == ErrorCode::kDataCorrupt || !Rest()) return examined;
    }
  }

  Result<std::optional<GroupWriter::Answers>> Examine() {
    auto examined = writer_->Examine();
    if (examined) return examined;
    SetTrouble(examined.error());
    if (examined.error().code == ErrorCode::kDataCorrupt) Fail(examined.error());
    return examined;
  }

  // False when nobody waits any longer: what is not written then stays so.
  bool Rest() {
    std::unique_lock lock(mutex_);
    auto over = [this] { return closing_ || hurry_.stop_requested(); };
    return !work_.wait_for(lock, options_.retry_wait, over);
  }

  void Publish(const GroupWriter::Group& group) {
    if (heads_) {
      for (const auto& batch : group) heads_->Note(*batch);
    }
    {
      std::lock_guard lock(mutex_);
      last_row_id_ = writer_->last_row_id();
    }
    committed_.notify_all();
  }

  void Checkpoint() {
    auto done = writer_->Checkpoint();
    // The WAL still holds everything; the next commit tries again.
    if (done) return;
    log::Warning("trajectories", "checkpoint failed", {{"error", ToString(done.error())}});
    if (writer_->suspicion()) SetTrouble(done.error());
  }

  void WriteHeads(bool last) {
    if (!heads_ || !heads_->Due() || writer_->suspicion()) return;
    const SteadyTime now = Clock::System().Now();
    if (!last && now < *heads_->Due()) return;
    auto written = heads_->Write(writer_->database(), now);
    if (!written) log::Err("trajectories", "heads could not be appended", {{"error", ToString(written.error())}});
    std::lock_guard lock(mutex_);
    head_trouble_ = written ? std::string() : written.error().context;
  }

  // Nothing: the group is on the disk.
  void SetTrouble(const std::optional<Error>& error) {
    std::string text = error ? error->context : std::string();
    {
      std::lock_guard lock(mutex_);
      if (text == trouble_) return;
      trouble_ = text;
    }
    if (error) {
      log::Err("trajectories", "the journal's disk fails; it is tried again", {{"error", ToString(*error)}});
    } else {
      log::Info("trajectories", "the journal was opened anew, holds what was acknowledged, and goes on",
                {{"last_row_id", writer_->last_row_id()}});
    }
  }

  bool Closing() const {
    std::lock_guard lock(mutex_);
    return closing_;
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

  DurationHistogram append_times_{BoundsOfAppends()};
  const StoreOptions options_;
  const StoreLock lock_;                       // before the connection, and so longer than it
  std::stop_source hurry_;                     // nobody waits any longer: for a lock, or for a disk that fails
  const std::unique_ptr<GroupWriter> writer_;  // pn-db only, after construction; heads_ too
  std::optional<HeadLog> heads_;

  mutable std::mutex mutex_;
  mutable std::condition_variable committed_;
  std::condition_variable work_;
  std::deque<Item> queue_;       // guarded by mutex_, as all below
  size_t queued_bytes_ = 0;
  bool closing_ = false;
  std::optional<Error> failed_;
  std::string trouble_;
  std::string head_trouble_;
  int64_t last_row_id_;

  std::thread thread_;  // last: starts when everything else stands
};

Result<std::unique_ptr<Store>> Store::Open(StoreOptions options) {
  RETURN_IF_ERROR(CreatePrivately(options.path));
  ASSIGN_OR_RETURN(StoreLock lock, StoreLock::Take(options.path));
  std::stop_source hurry;
  DatabaseOptions database{.path = options.path, .read_only = false, .vfs = options.vfs, .busy_ms = options.busy_ms,
                           .hurry = hurry.get_token()};
  ASSIGN_OR_RETURN(auto writer, GroupWriter::Open(std::move(database), options.clock));
  std::optional<HeadLog> heads;
  if (!options.head_log.empty()) {
    ASSIGN_OR_RETURN(heads, HeadLog::Open(options.head_log, kHeadInterval));
  }
  auto impl = std::make_unique<Impl>(std::move(options), std::move(lock), std::move(hurry), std::move(writer),
                                     std::move(heads));
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

void Store::GiveUpWaiting() { impl_->GiveUpWaiting(); }

std::string Store::Trouble() const { return impl_->Trouble(); }

DurationHistogram::Counts Store::AppendTimes() const { return impl_->AppendTimes(); }

bool Store::WaitForRowAfter(int64_t after, Deadline deadline) const {
  return impl_->WaitForRowAfter(after, deadline);
}

}  // namespace passnet::trajectories
