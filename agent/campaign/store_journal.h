// The journal of the loops over trajectories::Store: builds batches, waits out a full disk and a full queue, and tells
// for the health report that it waits.
// Threads: loop-only; hashing and compressing of large entries run on the work pool.
// Borrows: store, pool, sleeper, clock. Errors: as Journal; a broken store (kIo, kDataCorrupt) is returned at once.
#pragma once

#include <stop_token>

#include "agent/llm/sleeper.h"
#include "agent/loop/ports.h"
#include "base/clock.h"
#include "base/work_pool.h"
#include "trajectories/batch.h"
#include "trajectories/store.h"

namespace passnet::agent {

class StoreJournal : public Journal {
 public:
  // `space_wait`: between two tries while the disk is full.
  StoreJournal(trajectories::Store* store, WorkPool* pool, Sleeper* sleeper, const Clock* clock,
               Nanos space_wait = std::chrono::seconds(2))
      : store_(store), pool_(pool), sleeper_(sleeper), clock_(clock), space_wait_(space_wait) {}

  Task<Status> Append(JournalEntries entries, std::stop_token stop) override;

  // Appends that wait for disk space now: the campaigns behind them are paused by it.
  int waiting_for_space() const { return waiting_for_space_; }

 private:
  Task<Status> AppendBatch(std::shared_ptr<const trajectories::Batch> batch, std::stop_token stop);

  trajectories::Store* const store_;
  WorkPool* const pool_;
  Sleeper* const sleeper_;
  const Clock* const clock_;
  const Nanos space_wait_;
  int waiting_for_space_ = 0;
};

}  // namespace passnet::agent
