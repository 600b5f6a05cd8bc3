// The stored events of one trajectory as a replay goes through them, with the fold of those behind it: from any place
// the loop can begin anew, as a restarted daemon would.
// Threads: thread-compatible. Borrows: the reader. Owns: events and fold.
// Errors: the reader's; kDataCorrupt (the events do not fold).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/loop/trajectory_fold.h"
#include "base/clock.h"
#include "base/result.h"
#include "trajectories/reader.h"

namespace passnet::agent {

class Tape : public Clock {
 public:
  Tape(trajectories::Reader* reader, std::vector<trajectories::Event> events)
      : reader_(*reader), events_(std::move(events)) {}

  bool AtEnd() const { return position_ == events_.size(); }
  size_t position() const { return position_; }
  const std::vector<trajectories::Event>& events() const { return events_; }
  // The event `ahead` places on; null behind the end.
  const trajectories::Event* Peek(size_t ahead = 0) const;
  // The bytes behind one of its references.
  Result<std::string> Content(const trajectories::Event& event, const std::string& name) const;

  // The next event is what the loop made again, or is taken as it is stored.
  Status Advance();
  const TrajectoryFold& fold() const { return fold_; }

  // When the next event was stored: what the loop then saw.
  SteadyTime Now() const override;
  int64_t UtcMicros() const override;

 private:
  trajectories::Reader& reader_;
  const std::vector<trajectories::Event> events_;
  size_t position_ = 0;
  TrajectoryFold fold_;
};

}  // namespace passnet::agent
