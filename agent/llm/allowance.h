// How much of something (requests, tokens) may be used when: a bucket that fills evenly, for limits from the
// configuration, and a window that a server tells of, for learnt ones.
// Threads: thread-compatible, pure. Errors: none.
// Source: docs/llm.md, "Waiting".
#pragma once

#include <optional>

#include "agent/llm/rate_headers.h"
#include "base/clock.h"

namespace passnet::agent {

// What the configuration says of an endpoint with its key; absent: nothing.
struct RateLimits {
  std::optional<double> requests_per_minute = std::nullopt;
  std::optional<double> tokens_per_minute = std::nullopt;  // prompts and replies
  bool operator==(const RateLimits&) const = default;
};

// Without a limit everything is free.
class Bucket {
 public:
  // Holds ten seconds' worth, at least `least`: many servers enforce a limit a minute in shorter steps.
  Bucket(std::optional<double> per_minute, double least, SteadyTime now);
  // When `amount` will be there; more than it holds counts as all that it holds.
  SteadyTime FreeAt(double amount, SteadyTime now) const;
  void Take(double amount, SteadyTime now);

 private:
  double LevelAt(SteadyTime now) const;
  const double per_second_;  // 0: no limit
  const double capacity_;
  double level_;
  SteadyTime at_;
};

// The latest word counts. Before the first one, and after its reset, everything is free.
class LearntWindow {
 public:
  void Learn(const RateWindow& window, Nanos longest, SteadyTime now);
  SteadyTime FreeAt(double amount, SteadyTime now) const;
  void Take(double amount) { left_ -= amount; }

 private:
  double limit_ = 0;
  double left_ = 0;
  SteadyTime reset_at_ = SteadyTime::min();
};

}  // namespace passnet::agent
