// Time as an interface, so that tests own it; and the deadline that is passed down every call.
// Threads: SystemClock and Deadline are thread-safe (stateless / immutable).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace passnet {

using SteadyTime = std::chrono::steady_clock::time_point;
using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SteadyTime Now() const = 0;
  // Microseconds since 1970-01-01 UTC, for the journal.
  virtual int64_t UtcMicros() const = 0;

  static const Clock& System();
};

// "2026-11-20T23:15:57.000123Z" (RFC 3339) of microseconds since 1970 UTC.
std::string FormatUtc(int64_t utc_micros);

// A point on the steady clock after which work is not wanted. Immutable value.
class Deadline {
 public:
  static Deadline Never() { return Deadline(SteadyTime::max()); }
  static Deadline At(SteadyTime at) { return Deadline(at); }
  static Deadline After(Nanos span, const Clock& clock = Clock::System()) { return Deadline(clock.Now() + span); }

  SteadyTime at() const { return at_; }
  bool Passed(const Clock& clock = Clock::System()) const { return clock.Now() >= at_; }
  // Milliseconds left for poll(2): -1 for Never, 0 when passed, rounded up, at most INT_MAX.
  int PollMillis(const Clock& clock = Clock::System()) const;
  Deadline Earlier(Deadline other) const { return Deadline(at_ < other.at_ ? at_ : other.at_); }

 private:
  explicit Deadline(SteadyTime at) : at_(at) {}
  SteadyTime at_;
};

}  // namespace passnet
