// One failpoint after every kind of durable step of a trajectory.
// Threads: thread-safe.
#pragma once

#include "trajectories/event.h"

namespace passnet::agent {

// Called once a step of this kind is durable and before anything else is done.
void StepIsDurable(trajectories::EventKind kind);

}  // namespace passnet::agent
