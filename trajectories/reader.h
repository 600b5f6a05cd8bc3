// Reads the journal through its own read-only connection, also while the daemon writes.
// Threads: thread-compatible, blocking: one Reader a thread, or ReaderPool.
// Owns: its connection.
// Errors: kNotFound (no such file, id or content), kInvalidArgument (a file of another program, or of a version that
// this program does not read), kDataCorrupt (bytes that do not have their hash, an unknown event kind), kUnavailable,
// kIo.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "trajectories/event.h"
#include "trajectories/state.h"

namespace passnet::trajectories {

class Database;

struct EventQuery {
  std::string campaign_id;    // empty: all
  std::string trajectory_id;  // empty: all
  int64_t after_row_id = 0;   // exclusive: the cursor
  int64_t limit = 1000;
  bool with_payload = true;   // false leaves Event::body.payload empty
  std::optional<EventKind> kind = std::nullopt;  // of one campaign: only this kind
};

class Reader {
 public:
  static Result<std::unique_ptr<Reader>> Open(const std::string& path);
  ~Reader();

  // In order of launch. `after_row_id` is the first_row_id of the last one seen (0: from the start).
  Result<std::vector<CampaignState>> Campaigns(int64_t after_row_id, int64_t limit);
  Result<CampaignState> Campaign(std::string_view campaign_id);
  // In order of start; same cursor.
  Result<std::vector<TrajectoryState>> Trajectories(std::string_view campaign_id, int64_t after_row_id, int64_t limit);
  Result<TrajectoryState> Trajectory(std::string_view trajectory_id);

  // In order of row id.
  Result<std::vector<Event>> Events(const EventQuery& query);
  // Every event of one trajectory or, with an empty trajectory id, of the campaign's own chain, with payloads.
  Result<std::vector<Event>> Chain(std::string_view campaign_id, std::string_view trajectory_id);
  // Evaluation reports by verdict, of rows above the first and up to the second.
  Result<std::map<std::string, int64_t>> Verdicts(int64_t after_row_id, int64_t up_to_row_id);
  // The newest committed row; 0 for an empty journal.
  Result<int64_t> LastRowId();

  // The plain bytes, checked against the digest: a blob, or a request put together from its parts.
  Result<std::string> Content(const Sha256Digest& sha256);
  // Of what that content is put together, in order, without reading it; of a blob itself alone.
  Result<std::vector<Sha256Digest>> Pieces(const Sha256Digest& sha256);

 private:
  explicit Reader(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

// At most `capacity` connections, opened when first needed. Thread-safe; Borrow blocks while all are lent.
class ReaderPool {
 public:
  ReaderPool(std::string path, size_t capacity);
  ~ReaderPool();

  // Gives the connection back when destroyed. Must not outlive the pool.
  class Lease {
   public:
    Lease(ReaderPool* pool, std::unique_ptr<Reader> reader);
    Lease(Lease&&) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Reader* operator->() const { return reader_.get(); }
    Reader& operator*() const { return *reader_; }

   private:
    ReaderPool* pool_;
    std::unique_ptr<Reader> reader_;
  };
  Result<Lease> Borrow();

 private:
  void GiveBack(std::unique_ptr<Reader> reader);

  const std::string path_;
  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Reader>> idle_;  // guarded by mutex_
  size_t lent_ = 0;                            // guarded by mutex_
};

}  // namespace passnet::trajectories
