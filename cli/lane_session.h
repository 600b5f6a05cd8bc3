// What the verbs that evaluate by hand share: a lane of their own, its progress on the terminal, Ctrl-C.
// Threads: main thread only. Owns: the lane process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "command_line/command_line.h"
#include "evaluator/client/lane_client.h"

namespace passnet::cli {

struct LaneFlags {
  std::string device = "cpu";
  std::string nvcc;       // empty: the usual one
  std::string cache_dir;  // empty: $XDG_CACHE_HOME/passnet or ~/.cache/passnet
  int timing_core = -1;
};

// The options that every verb with a lane has; they write into `flags`.
std::vector<command_line::Option> OptionsOfLane(LaneFlags* flags);

// Starts a lane; takes some seconds, because torch is imported.
Result<std::unique_ptr<evaluator::LaneClient>> OpenLane(const LaneFlags& flags);

}  // namespace passnet::cli
