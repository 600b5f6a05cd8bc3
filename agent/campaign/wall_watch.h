// A moment of the wall clock as a stop token: what waits for something else as well ends then.
// Threads: loop-only. Borrows: sleeper and clock, until the task has ended.
// Errors: none.
#pragma once

#include <cstdint>
#include <stop_token>

#include "agent/llm/sleeper.h"
#include "base/clock.h"
#include "base/task.h"

namespace passnet::agent {

// Requests `over` at that moment, at once when it has passed; returns then, or when cancelled.
Task<void> WatchWall(int64_t until_utc_us, std::stop_source over, Sleeper* sleeper, const Clock* clock,
                     std::stop_token cancel);

}  // namespace passnet::agent
