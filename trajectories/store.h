// The journal's only writer: one thread (pn-db), a bounded queue and group commit. An append completes only after the
// COMMIT that holds it (SQLite WAL, synchronous=FULL): what was acknowledged survives kill -9 and power loss.
// Threads: thread-safe. Append blocks; AppendAsync does not, its callback runs on pn-db and must only hand the result
// on (post it to the loop).
// Owns: the database connection, the lock that keeps a second daemon out, the thread. The destructor refuses new
// batches, commits every queued one, answers every waiter and closes.
// Errors of an append (the batch is then not written at all, and the same batch may be appended again):
//   kInvalidArgument    an event of an unknown campaign or trajectory, content that no event names
//   kAlreadyExists      a second settled outcome of a call, a second report of an evaluation, a second intent, an id
//                       taken; only that batch fails
//   kResourceExhausted  disk full, kUnavailable: another process holds SQLite's write lock, kPermissionDenied: the disk
//                       is read-only. Every batch of the group fails; wait and append it again
//   kOverloaded         the queue is full; nothing was queued
//   kCancelled          the store is closing
//   kDataCorrupt        of one batch: a row that it goes on from is damaged; only that batch fails
// After an input or output error, a failed fsync above all, nobody knows what is on the disk. The append then takes
// until it is known: the file is opened anew and its newest rows are compared with those that were acknowledged, again
// and again while the disk fails (Trouble tells), and then the group is written, or found to be written. When they
// differ, on_fatal is called and every append fails from then on. A group whose COMMIT succeeded is acknowledged even if it
// cannot be read back: then the same is done before anything else is written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/duration_histogram.h"
#include "base/result.h"
#include "trajectories/batch.h"

namespace passnet::trajectories {

struct StoreOptions {
  std::string path;           // created when missing; a second daemon is kept out, whatever link it comes by
  size_t queue_batches = 4096;              // chosen: 4 for each of 1,000 trajectories
  size_t queue_bytes = size_t{256} << 20;   // chosen: replies in flight of 1,000 trajectories at 256 KiB
  const Clock* clock = &Clock::System();    // borrowed
  Nanos retry_wait = std::chrono::seconds(2);  // between two looks at a disk that fails
  int busy_ms = 5000;         // waited for another process's lock before an append fails with kUnavailable
  std::string head_log;       // heads are appended to this file (head_log.h); empty: none
  // Called on pn-db once, when the disk has lost what was acknowledged. Empty: log and end the process at once.
  std::function<void(const Error&)> on_fatal;
  std::string vfs;            // SQLite VFS by name; empty: the default. Tests inject faults here
};

struct Appended {
  int64_t first_row_id = 0;  // of this batch's events; a campaign_head written for it may follow
  int64_t last_row_id = 0;   // inclusive
};

class Store {
 public:
  using AppendDone = std::function<void(Result<Appended>)>;

  // kUnavailable when another process holds the store; kInvalidArgument for a file of a newer version or of another
  // program; upgrades older files by the numbered migrations.
  static Result<std::unique_ptr<Store>> Open(StoreOptions options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  Result<Appended> Append(const Batch& batch);

  // An error here means that nothing was queued and `done` will not be called. Otherwise it is called exactly once.
  Status AppendAsync(std::shared_ptr<const Batch> batch, AppendDone done);

  // The newest committed row id (0: none). Readers see it.
  int64_t LastRowId() const;
  // The process ends: an append that waits for a disk that fails or for another process's lock gets its error instead,
  // and so does every later one.
  void GiveUpWaiting();
  // Why the journal does not go on, or that heads cannot be kept; empty: all is well.
  std::string Trouble() const;
  // How long appends took that succeeded, from being queued to being durable.
  DurationHistogram::Counts AppendTimes() const;
  // Waits until a row above `after` is committed; false at the deadline or when the store closes. For SSE threads.
  bool WaitForRowAfter(int64_t after, Deadline deadline) const;

 private:
  class Impl;
  explicit Store(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace passnet::trajectories
