// A trajectory's part of the agent, done again: the real loop over stored replies and verdicts. Every request is
// rendered again from the pinned prompts and options and compared byte for byte with the stored one, and so is every
// decision.
// What others decided is taken as it is stored and counted: the operator's cancel, the campaign's budget, a failure on
// our side, and the first prompt of a program that did not store what it was written from.
// The loop begins anew wherever it and the stored events part, as a daemon that was restarted there would; only when it
// then still does something else is that a difference.
// Threads: blocking, thread-compatible. Borrows: the reader.
// Errors: the reader's, kDataCorrupt (the events do not fold). A difference is no Error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/campaign/launch.h"
#include "agent/replay/tape_ports.h"
#include "base/result.h"
#include "trajectories/reader.h"

namespace passnet::agent {

struct TrajectoryReplay {
  std::string trajectory_id;
  int64_t events = 0;         // stored
  int64_t replayed = 0;       // made again, with the same bytes
  int64_t taken = 0;          // decided by others
  int64_t requests = 0;       // rendered again
  bool finished = false;      // the last stored event ends the trajectory
  std::optional<ReplayDifference> difference;
};

Result<TrajectoryReplay> ReplayTrajectory(trajectories::Reader& reader, const Launch& launch,
                                          const trajectories::TrajectoryState& state);

}  // namespace passnet::agent
