#include "agent/campaign/wall_watch.h"

#include <algorithm>

namespace passnet::agent {
namespace {

// The wall clock may be set, and goes on while a host is suspended, when timers do not.
constexpr int64_t kLongestSleepUs = 60'000'000;

}  // namespace

Task<void> WatchWall(int64_t until_utc_us, std::stop_source over, Sleeper* sleeper, const Clock* clock,
                     std::stop_token cancel) {
  for (;;) {
    const int64_t left_us = until_utc_us - clock->UtcMicros();
    if (left_us <= 0) break;
    Deadline until = Deadline::After(std::chrono::microseconds(std::min(left_us, kLongestSleepUs)), *clock);
    bool rested = co_await sleeper->SleepUntil(until, cancel);
    if (!rested) co_return;
  }
  over.request_stop();
}

}  // namespace passnet::agent
