#include "tests/fakes/memory_journal.h"

namespace passnet::fakes {

Task<Status> MemoryJournal::Append(agent::JournalEntries entries, std::stop_token) {
  bool dies = left_ > 0 && --left_ == 0;
  if (!dies || last_is_durable_) entries_.insert(entries_.end(), entries->begin(), entries->end());
  stamps_.resize(entries_.size(), clock_ == nullptr ? 0 : clock_->UtcMicros());
  if (dies) co_return Error{ErrorCode::kCancelled, "killed"};
  co_return OkStatus();
}

void MemoryJournal::DieWith(int append, bool durable) {
  left_ = append;
  last_is_durable_ = durable;
}

int MemoryJournal::Count(trajectories::EventKind kind) const {
  int count = 0;
  for (const auto& entry : entries_) count += entry.event.kind == kind;
  return count;
}

const trajectories::EventDraft& MemoryJournal::Last(trajectories::EventKind kind) const {
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->event.kind == kind) return entry->event;
  }
  static const trajectories::EventDraft none;
  return none;
}

Result<agent::TrajectoryFold> MemoryJournal::Fold() const {
  agent::TrajectoryFold fold;
  for (size_t i = 0; i < entries_.size(); ++i) {
    const agent::JournalEntry& entry = entries_[i];
    auto content = [&entry](const std::string& name) -> Result<std::string> { return entry.contents.at(name); };
    RETURN_IF_ERROR(fold.Apply(entry.event, content, nullptr, stamps_[i]));
  }
  return fold;
}

}  // namespace passnet::fakes
