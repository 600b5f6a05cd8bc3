// How many requests may be in flight at one endpoint with one key, shared by everything that uses it: grows by one
// after each clean round, shrinks to 0.7 once per episode of 429s (not per 429), stops growing on 5xx and time-outs.
// Threads: loop-only. Ownership: a Permit keeps the limiter alive; destroying it without an outcome changes no limit.
// Errors: kOverloaded (the queue is full), kCancelled.
// Source: docs/llm.md, "Waiting".
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/event.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "dialects/chat.h"

namespace passnet::agent {

struct LimiterOptions {
  int start = 8;
  int floor = 1;
  int ceiling = 64;
  double shrink = 0.7;
  size_t max_waiting = 4096;  // chosen: four times the trajectories that one daemon is sized for
};

class AdaptiveLimiter : public std::enable_shared_from_this<AdaptiveLimiter> {
 public:
  class Permit;

  explicit AdaptiveLimiter(LimiterOptions options);

  // Waits in order of arrival for a place.
  Task<Result<Permit>> Acquire(std::stop_token cancel);

  int limit() const { return limit_; }
  int in_flight() const { return in_flight_; }
  size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    Event granted_now;
    bool granted = false;
  };
  void Settle(int episode, dialects::OutcomeClass outcome);
  void GiveBack();
  void GrantFree();

  const LimiterOptions options_;
  int limit_;
  int in_flight_ = 0;
  int clean_ = 0;    // whole replies since the last change of the limit or the last 5xx
  int episode_ = 0;  // counts shrinks: a 429 of a request that started before the last one belongs to that episode
  std::deque<std::shared_ptr<Waiter>> waiting_;
};

class AdaptiveLimiter::Permit {
 public:
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) noexcept;
  ~Permit() { GiveBack(); }
  // Tells how the request ended and gives the place back.
  void Settle(dialects::OutcomeClass outcome);

 private:
  friend class AdaptiveLimiter;
  Permit(std::shared_ptr<AdaptiveLimiter> limiter, int episode) : limiter_(std::move(limiter)), episode_(episode) {}
  void GiveBack();
  std::shared_ptr<AdaptiveLimiter> limiter_;
  int episode_ = 0;
};

// One limiter for each endpoint and key of the process.
class LimiterRegistry {
 public:
  explicit LimiterRegistry(LimiterOptions options) : options_(options) {}
  std::shared_ptr<AdaptiveLimiter> For(const std::string& base_url, const Secret& api_key);

 private:
  const LimiterOptions options_;
  std::map<std::string, std::shared_ptr<AdaptiveLimiter>> limiters_;  // by base URL and the key's digest
};

}  // namespace passnet::agent
