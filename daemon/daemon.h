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

// Returns after SIGTERM or SIGINT, once everything has ended in order. `start_lane` is called on the lane's thread.
Status RunDaemon(const DaemonOptions& options, const agent::BuildFacts& build,
                 agent::LanePool::StartFn start_lane);

// A passnet-evaluator as the options want it, as a child process.
agent::LanePool::StartFn EvaluatorProcess(const DaemonOptions& options);

}  // namespace passnet::daemon
