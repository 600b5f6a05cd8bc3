// A journal in memory that keeps every entry, and can "die" with one of its appends, as the process would.
// Threads: loop-only.
#pragma once

#include <stop_token>
#include <vector>

#include "agent/loop/ports.h"
#include "agent/loop/trajectory_fold.h"
#include "base/clock.h"

namespace passnet::fakes {

class MemoryJournal : public agent::Journal {
 public:
  Task<Status> Append(agent::JournalEntries entries, std::stop_token) override;

  // The process ends with this append: just after it became durable, or just before.
  void DieWith(int append, bool durable);
  void Live() { left_ = -1; }
  // Entries are stored at its times from now on; without one the times are not known.
  void StampWith(const Clock* clock) { clock_ = clock; }
  const std::vector<agent::JournalEntry>& entries() const { return entries_; }

  int Count(trajectories::EventKind kind) const;
  // The last event of a kind, an empty one when there is none.
  const trajectories::EventDraft& Last(trajectories::EventKind kind) const;
  Result<agent::TrajectoryFold> Fold() const;

 private:
  int left_ = -1;  // appends until the end; negative: none
  bool last_is_durable_ = true;
  const Clock* clock_ = nullptr;
  std::vector<agent::JournalEntry> entries_;
  std::vector<int64_t> stamps_;  // of the entries
};

}  // namespace passnet::fakes
