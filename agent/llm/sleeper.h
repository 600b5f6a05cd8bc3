// Waiting as an interface, so that tests own it.
// Threads: loop-only.
#pragma once

#include <memory>
#include <stop_token>

#include "base/clock.h"
#include "base/task.h"

namespace passnet::agent {

class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // True when `until` was reached, false when cancelled before. Deadline::Never() waits for the cancel alone.
  virtual Task<bool> SleepUntil(Deadline until, std::stop_token cancel) = 0;
};

// Sleeps on a timer of the loop that runs the calling coroutine.
std::unique_ptr<Sleeper> LoopSleeper();

}  // namespace passnet::agent
