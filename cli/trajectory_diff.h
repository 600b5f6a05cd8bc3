// Where two trajectories part: their summaries, their first different step, their first different request or reply.
// Threads: as Reader, which is borrowed. Errors: those of Reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "trajectories/reader.h"

namespace passnet::cli {

struct FieldDifference {
  std::string name, a, b;
};

// "llm_outcome accepted, round 2": a step without ids, times and scores, which differ between any two trajectories.
struct StepDifference {
  int64_t step = 0;  // 1 = the first event
  std::string a, b;  // empty: that trajectory has ended
};

struct ContentDifference {
  int64_t call = 0;  // 1 = the first model call
  std::string what;  // "request" | "reply"
  int64_t line = 0;  // 1 = the first; a request is broken into lines at its escaped newlines
  std::string a, b;
};

struct TrajectoryDifference {
  std::vector<FieldDifference> fields;
  std::optional<StepDifference> step;
  std::optional<ContentDifference> content;
  bool Same() const { return fields.empty() && !step && !content; }
};

Result<TrajectoryDifference> CompareTrajectories(trajectories::Reader* reader, const std::string& a,
                                                 const std::string& b);

}  // namespace passnet::cli
