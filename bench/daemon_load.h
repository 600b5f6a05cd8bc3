// One campaign of many trajectories through the real daemon: its HTTP API, its LLM client, its journal. The endpoint is
// passnet-recorded-llm in a process of its own, so that its work is not counted; the lane measures nothing
// (tests/daemon/fake_lane_daemon.cc), or it is a real one with the demo's passes.
// Threads: main thread only, blocking. Owns: both processes while it runs.
// Errors: those of starting the programs; kInternal when the campaign does not finish, with the end of the daemon's log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/result.h"
#include "bench/lane_choice.h"
#include "bench/process_use.h"

namespace passnet::bench {

struct LoadPlan {
  int trajectories = 1000;  // rounded up to whole samples of every task
  int tasks = 10;           // of the bundled ones, the first by name
  int turns = 10;
  int plateau_rounds = 1000;  // 1000: every trajectory has all its turns
  int concurrency = 1000;     // trajectories under way, and requests in flight
  bool real_lane = false;     // of this machine; its caches in the build folder
  LaneChoice lane = {};       // of the real one; on a GPU the passes are Triton's, and the tasks those that have one
};

struct LoadRun {
  std::string campaign_id;
  int64_t trajectories = 0;
  int64_t turns = 0;  // calls of the model
  double wall_s = 0;  // from the launch to the end of the campaign
  ProcessUse daemon;  // from before the launch to the end of the campaign
  std::map<std::string, int64_t> outcomes;  // trajectories by how they ended
  double journal_mib = 0;  // once the daemon has ended
};

// Leaves `folder`/journal.db behind.
Result<LoadRun> RunLoad(const LoadPlan& plan, const std::filesystem::path& folder);

}  // namespace passnet::bench
