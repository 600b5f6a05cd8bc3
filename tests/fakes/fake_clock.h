// A clock that moves only when the test says so.
// Threads: thread-compatible.
#pragma once

#include "base/clock.h"

namespace passnet::fakes {

class FakeClock : public Clock {
 public:
  SteadyTime Now() const override { return now_; }
  int64_t UtcMicros() const override { return utc_micros_; }

  void Advance(Nanos span) {
    now_ += span;
    utc_micros_ += std::chrono::duration_cast<std::chrono::microseconds>(span).count();
  }

 private:
  SteadyTime now_{std::chrono::hours(1)};
  int64_t utc_micros_ = 1'790'000'000'000'000;  // some day in 2026
};

}  // namespace passnet::fakes
