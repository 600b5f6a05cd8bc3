// What the later samples of a task start from where a campaign says restart = "best": the best folder that an earlier
// sample of the task ended with, as the final measurement scored it. Only what was correct counts, and what a prompt
// has room for; how the trajectory itself ended does not matter.
// Threads: thread-compatible; LoadRestart is blocking.
// Errors of LoadRestart: the reader's.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "agent/loop/live_trajectory.h"
#include "agent/loop/trajectory_fold.h"
#include "base/result.h"
#include "trajectories/reader.h"
#include "trajectories/state.h"

namespace passnet::agent {

constexpr size_t kMaxStartBytes = 64 << 10;  // of a folder in a prompt; chosen: some 20,000 tokens

class StartingPoints {
 public:
  // Of two equal ones the first stays.
  void Keep(const std::string& task, Restart found);
  // Whether a folder of this score would be kept.
  bool IsBetter(const std::string& task, double score) const;
  std::optional<Restart> Of(const std::string& task) const;

 private:
  std::map<std::string, Restart> best_;  // by task
};

// What a trajectory has ended with; nothing where that was not correct.
std::optional<Restart> RestartFrom(const std::string& trajectory_id, const TrajectoryFold& ended);
// The same of a stored one.
Result<std::optional<Restart>> LoadRestart(trajectories::Reader& reader, const trajectories::TrajectoryState& ended);

}  // namespace passnet::agent
