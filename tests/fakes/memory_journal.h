// A journal in memory that keeps every entry, and can "die" with one of its appends, as the process would.
// Threads: loop-only.
#pragma once

#include <stop_token>
#include <vector>

#include "agent/loop/ports.h"
#include "agent/loop/trajectory_fold.h"

namespace passnet::fakes {

class MemoryJournal : public agent::Journal {
 public:
  Task<Status> Append(agent::JournalEntries entries, std::stop_token) override;

  // The process ends with this append: just after it became durable, or just before.
  void DieWith(int append, bool durable);
  void Live() { left_ = -1; }
  const std::vector<agent::JournalEntry>& entries() const { return entries_; }

  int Count(trajectories::EventKind kind) const;
  // The last event of a kind, an empty one when there is none.
  const trajectories::EventDraft& Last(trajectories::EventKind kind) const;
  Result<agent::TrajectoryFold> Fold() const;

 private:
  int left_ = -1;  // appends until the end; negative: none
  bool last_is_durable_ = true;
  std::vector<agent::JournalEntry> entries_;
};

}  // namespace passnet::fakes
