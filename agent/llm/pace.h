// How fast requests may be sent to an endpoint that limits requests a second and does not say how many: learnt from its
// refusals. Free until the first one; then sends are spaced at the rate that was accepted so far, a little below, and
// the rate climbs again: fast far from where it was refused, slowly near it, fast once that point is well behind
// (the cubic of TCP CUBIC, counted in accepted requests instead of seconds, so that it fits any rate).
// Threads: thread-compatible, pure. Errors: none.
// Source: RFC 9438 for the shape; docs/llm.md, "Waiting".
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace passnet::agent {

class Pace {
 public:
  // The next request may leave from then on.
  SteadyTime FreeAt(SteadyTime now) const;
  // A request leaves; true when the pace is what limits: only then its success is a reason to climb.
  bool Sent(SteadyTime now);
  void Accepted(bool was_limited);
  // A 429. `first`: of an episode; the others of the same one only correct how much was accepted before it. Whoever
  // calls knows when to send again: the next request is not held back by the pace.
  void Refused(SteadyTime now, bool first);

  // Absent while free.
  std::optional<double> per_second() const;

 private:
  void Count(SteadyTime now);
  double Measured(SteadyTime now) const;

  // What was sent and not refused, in two windows, so that one of them is always whole.
  SteadyTime window_began_{};
  SteadyTime window_before_began_{};
  double sent_ = 0;
  double sent_before_ = 0;

  std::optional<double> refused_at_;  // per second
  double lowest_ = 0;                 // of what this episode may correct refused_at_ to
  int64_t climbed_ = 0;               // accepted requests since then
  SteadyTime last_send_{};
  SteadyTime next_send_{};
};

}  // namespace passnet::agent
