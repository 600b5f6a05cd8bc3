// Can everything that a journal stores be read as the daemon reads it? Its hashes may all hold and an event may still
// not follow from the ones before it: the daemon then leaves that trajectory, or that campaign, as it is.
// Threads: blocking, thread-compatible. Borrows: the reader. Errors: the reader's; what does not fold is no Error.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "trajectories/reader.h"

namespace passnet::agent {

struct Unfoldable {
  std::string id;  // of a trajectory, or of a campaign whose launch cannot be read
  std::string error;
};

struct FoldReport {
  int64_t folded = 0;  // trajectories
  std::vector<Unfoldable> unfoldable;
};

// An empty campaign id: all of them. `progress` may be empty.
Result<FoldReport> CheckFolds(trajectories::Reader& reader, const std::string& campaign_id,
                              const std::function<void(int64_t done, int64_t total)>& progress);

}  // namespace passnet::agent
