// Whether something that many trajectories share works: an endpoint with its key, the lanes. It opens after some
// failures in a row; then one try at a time is let through, first soon, then ever more seldom, until one succeeds.
// Nothing ends because a breaker is open: whoever needs what it guards waits (`Outage` says for what and until when).
// Threads: thread-compatible, pure. Times are the caller's clock's. Errors: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/event.h"

namespace passnet::agent {

struct BreakerOptions {
  int failures_to_open = 3;                          // in a row; chosen: one or two are ordinary weather
  Nanos first_wait = std::chrono::seconds(1);        // doubled after every try that failed
  Nanos longest_wait = std::chrono::seconds(60);     // chosen: what came back is noticed within a minute
};

struct Outage {
  std::string what;     // "endpoint https://api.openai.com/v1", "lane cpu:1#1"
  std::string reason;   // of the last failure
  int64_t since_utc_us = 0;
  int64_t next_try_utc_us = 0;
  bool operator==(const Outage&) const = default;
};

class Breaker {
 public:
  Breaker(BreakerOptions options, const Clock* clock) : options_(options), clock_(clock) {}

  // Whether a try may begin now.
  bool MayTry() const;
  // The moment from which MayTry may be true; Never while a try is on its way, now while closed.
  Deadline next_try() const;
  // A try begins; MayTry holds. Each one ends with exactly one of the three below, by the number given here.
  uint64_t Begin();
  void Succeeded(uint64_t try_number);
  // `wait`: what the other side asked for, exactly; else our own doubling. `at_once`: it says of itself that no try
  // will succeed (a refused key), so one failure opens.
  struct Failure {
    std::string reason;
    std::optional<Nanos> wait = std::nullopt;
    bool at_once = false;
  };
  void Failed(uint64_t try_number, Failure failure);
  // It ended without telling anything (cancelled).
  void Abandoned(uint64_t try_number);

  bool open() const { return open_; }
  // How many waits there were since it opened.
  int waits() const { return waits_; }
  // While open. `what` names the thing.
  std::optional<Outage> outage(const std::string& what) const;

 private:
  Nanos NextWait() const;

  const BreakerOptions options_;
  const Clock* const clock_;
  bool open_ = false;
  uint64_t last_try_ = 0;
  uint64_t probe_ = 0;     // the one try of an open breaker that is on its way; 0: none
  int failures_ = 0;       // in a row
  int waits_ = 0;          // since it opened
  SteadyTime next_try_{};
  int64_t since_utc_us_ = 0;
  int64_t next_try_utc_us_ = 0;
  std::string reason_;
};

// What a campaign watches in order to tell that it is parked: an endpoint's gate, the pool of lanes.
// Threads: loop-only.
class SharedPart {
 public:
  virtual ~SharedPart() = default;
  // Empty while it works.
  virtual std::optional<Outage> outage() const = 0;
  // Notified whenever outage() has become another.
  virtual passnet::Event& changed() = 0;
};

}  // namespace passnet::agent
