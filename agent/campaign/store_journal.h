// The journal of the loops over trajectories::Store: builds batches, waits out full queues and whatever keeps the disk
// from taking them (full, read-only, locked by another process), and tells for the health report what it waits for.
// Threads: loop-only; hashing and compressing of large entries run on the work pool.
// Borrows: store, pool, sleeper, clock. Errors: as Journal; what no waiting helps against (kIo, kDataCorrupt,
// kInternal) is returned at once, and Trouble names it from then on.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "agent/llm/sleeper.h"
#include "agent/loop/ports.h"
#include "base/clock.h"
#include "base/work_pool.h"
#include "trajectories/batch.h"
#include "trajectories/store.h"

namespace passnet::agent {

class StoreJournal : public Journal {
 public:
  // `disk_wait`: between two tries while the disk takes nothing.
  StoreJournal(trajectories::Store* store, WorkPool* pool, Sleeper* sleeper, const Clock* clock,
               Nanos disk_wait = std::chrono::seconds(2))
      : store_(store), pool_(pool), sleeper_(sleeper), clock_(clock), disk_wait_(disk_wait) {}

  Task<Status> Append(JournalEntries entries, std::stop_token stop) override;

  // Appends that wait for the disk now: the campaigns behind them are held up by it.
  int waiting() const { return waiting_; }
  // Why the journal takes nothing, or what it lost; empty: all is well.
  std::string Trouble() const;

 private:
  Task<Result<std::shared_ptr<const trajectories::Batch>>> Make(JournalEntries entries, std::stop_token stop);
  Task<Status> AppendBatch(std::shared_ptr<const trajectories::Batch> batch, std::stop_token stop);
  void BeginToWait(const Error& error);
  void EndToWait(const Status& result);

  trajectories::Store* const store_;
  WorkPool* const pool_;
  Sleeper* const sleeper_;
  const Clock* const clock_;
  const Nanos disk_wait_;
  const std::shared_ptr<trajectories::KnownBlobs> known_ = std::make_shared<trajectories::KnownBlobs>();
  int waiting_ = 0;
  std::string reason_;  // of the latest wait
  std::string broken_;  // of the first append that failed for good
};

}  // namespace passnet::agent
