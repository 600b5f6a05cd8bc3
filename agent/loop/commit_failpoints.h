// One failpoint after every kind of entry that a loop or a campaign makes durable: tests kill the daemon at each.
// Threads: thread-safe.
#pragma once

#include "trajectories/event.h"

namespace passnet::agent {

// Called once an entry of this kind is durable and before anything else is done.
void FailpointAfter(trajectories::EventKind kind);

}  // namespace passnet::agent
