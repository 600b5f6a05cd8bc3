#include "agent/replay/tape.h"

namespace passnet::agent {

const trajectories::Event* Tape::Peek(size_t ahead) const {
  return position_ + ahead < events_.size() ? &events_[position_ + ahead] : nullptr;
}

Result<std::string> Tape::Content(const trajectories::Event& event, const std::string& name) const {
  for (const auto& ref : event.body.refs) {
    if (ref.name == name) return reader_.Content(ref.sha256);
  }
  return DataCorrupt("journal row " + std::to_string(event.row_id) + " has no content " + name);
}

Status Tape::Advance() {
  const trajectories::Event& event = events_[position_];
  auto content = [&](const std::string& name) { return Content(event, name); };
  RETURN_IF_ERROR(fold_.Apply(event.body, content, nullptr, event.at_utc_us));
  ++position_;
  return OkStatus();
}

int64_t Tape::UtcMicros() const {
  if (events_.empty()) return 0;
  return AtEnd() ? events_.back().at_utc_us : events_[position_].at_utc_us;
}

SteadyTime Tape::Now() const { return SteadyTime(std::chrono::microseconds(UtcMicros())); }

}  // namespace passnet::agent
