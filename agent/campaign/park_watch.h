// Tells when a campaign is parked: something that its trajectories share (the endpoint, the lanes) does not work, so
// they wait. Nothing ends because of it. It is told when an outage has lasted some seconds and when it is over for
// some, so that what comes and goes does not fill the journal.
// Threads: loop-only. Borrows: parts, sleeper and clock, until Run has ended.
// Errors: none of its own; what `tell` returns ends Run.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "agent/health/breaker.h"
#include "agent/llm/sleeper.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace passnet::agent {

struct ParkOptions {
  Nanos park_after = std::chrono::seconds(10);   // chosen: longer than a server's restart behind a balancer
  Nanos resume_after = std::chrono::seconds(5);
  Nanos tell_again = std::chrono::minutes(10);   // while parked: the next try that was told is long over
  // Before a campaign's first look at the lanes succeeds. Chosen: one that cannot start (no binary, no memory) is tried
  // again soon, and once a minute as long as it lasts.
  Nanos first_lane_wait = std::chrono::seconds(5);
  Nanos longest_lane_wait = std::chrono::seconds(60);
  // Before a trajectory that was stopped, and nobody had asked for it, is driven again; doubled each time.
  Nanos after_stray_end = std::chrono::seconds(1);
};

// The outage that has lasted longest, if any part has one.
std::optional<Outage> LongestOutage(const std::vector<SharedPart*>& parts);

class ParkWatch {
 public:
  // Durable when it returns. Empty: works again.
  using TellFn = std::function<Task<Status>(std::optional<Outage>)>;

  ParkWatch(std::vector<SharedPart*> parts, ParkOptions options, Sleeper* sleeper, const Clock* clock, TellFn tell)
      : parts_(std::move(parts)), options_(options), sleeper_(sleeper), clock_(clock), tell_(std::move(tell)) {}
  ParkWatch(const ParkWatch&) = delete;
  ParkWatch& operator=(const ParkWatch&) = delete;

  Task<Status> Run(std::stop_token stop);

 private:
  Task<void> Listen(SharedPart* part, std::stop_token stop);
  Task<Status> Look();
  Deadline NextLook() const;

  const std::vector<SharedPart*> parts_;
  const ParkOptions options_;
  Sleeper* const sleeper_;
  const Clock* const clock_;
  const TellFn tell_;
  std::stop_source look_;                     // ends the rest between two looks
  std::optional<SteadyTime> out_since_;       // as seen here
  std::optional<SteadyTime> works_since_;     // while parked
  std::optional<SteadyTime> told_at_;         // while parked
};

}  // namespace passnet::agent
