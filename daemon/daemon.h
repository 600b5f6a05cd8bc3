// passnetd put together: store, lane, campaigns, HTTP; started in one order and ended in the other.
// Threads: Run belongs to the main thread; it starts `pn-loop`, the work pools and the server's threads and joins them.
// Errors: kUnavailable (another daemon holds the store), kNotFound (a token's variable is not set), those of the
// token file, the store and the server.
#pragma once

#include <functional>
#include <memory>

#include "agent/campaign/lane_pool.h"
#include "agent/campaign/launch.h"
#include "base/result.h"
#include "daemon/options.h"

namespace passnet::daemon {

// How an evaluator of the lane on this core is started (-1: the last online core), on the lane's own threads.
using LaneStarter = std::function<agent::StartLaneFn(int64_t timing_core)>;

// Returns after SIGTERM or SIGINT, once everything has ended in order. Replies of models that are on their way are waited
// for, LlmOptions::stop_grace_s at most, and stored. What else is under way and can be done again after the next start is
// thrown away at once, and named in the log; a second signal ends the process at once.
Status RunDaemon(const DaemonOptions& options, const agent::BuildFacts& build, const LaneStarter& start_lane);

// A passnet-evaluator as the options want it, as a child process.
LaneStarter EvaluatorProcess(const DaemonOptions& options);

}  // namespace passnet::daemon
