// The one way to an endpoint with a key, shared by everything that uses it. It lets requests through when the endpoint
// is likely to take them, and while it is not, nobody takes a turn: everybody waits, in a line for each campaign, as
// long as it takes. What it goes by: the outcomes (a breaker for what fails, a limit of requests in flight, a pace
// learnt from refusals), what the server asks for (Retry-After, x-ratelimit-*, anthropic-ratelimit-*) and limits from the
// configuration.
// Threads: loop-only. Ownership: a Permit keeps the gate alive; destroyed without an outcome it changes nothing but to
// give its place back. Borrows: sleeper and clock.
// Errors: kCancelled.
// Source: docs/llm.md, "Waiting".
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/health/breaker.h"
#include "agent/llm/allowance.h"
#include "agent/llm/client.h"
#include "agent/llm/pace.h"
#include "agent/llm/sleeper.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/task.h"
#include "dialects/chat.h"
#include "dialects/raw_reply.h"

namespace passnet::agent {

struct GateOptions {
  int start = 8;  // in flight
  int floor = 1;
  int ceiling = 64;
  RateLimits limits = {};  // absent: only what is learnt
  BreakerOptions breaker = {};
  // A refused key or an empty account is put right by a person: looked at seldom, and then it goes on by itself.
  Nanos first_lasting_wait = std::chrono::seconds(60);
  Nanos longest_lasting_wait = std::chrono::minutes(10);
  // A 429 that names no time: doubled from the first to the second, until something is accepted.
  Nanos first_silence = std::chrono::seconds(1);
  Nanos longest_own_silence = std::chrono::seconds(60);
  // However long a server asks us to wait, one request is tried after this time: an hour's quota may have been raised.
  Nanos longest_silence = std::chrono::minutes(15);
};

// Who asks for a turn.
struct GateTurn {
  std::string campaign;
  int64_t priority = 0;          // higher ones go first; equal ones take turns
  std::string call;              // id
  int64_t tokens = 0;            // estimated, prompt and reply
  uint64_t answered_before = 0;  // Gate::answered() when the call began or last failed
  bool again = false;            // not the call's first attempt
};

// For reports of the daemon's state.
struct GateFacts {
  std::string endpoint;  // base URL
  std::string name;      // in the configuration; empty: none. The two together are one gate's alone
  int limit = 0;
  int in_flight = 0;
  int64_t waiting = 0;
  std::optional<double> paced_per_second;
  uint64_t answered = 0;
  uint64_t refused = 0;  // 429
  uint64_t failed = 0;   // everything else that was no answer
  uint64_t cut = 0;      // by us
  uint64_t retries = 0;  // requests let through that were not their call's first
  int64_t silent_until_utc_us = 0;  // by the server's wish; 0: not now
  std::optional<Outage> outage;
};

class Gate : public SharedPart, public std::enable_shared_from_this<Gate> {
 public:
  class Permit;

  Gate(std::string endpoint, GateOptions options, const Clock* clock, Sleeper* sleeper);

  // Waits for a turn: campaigns with the highest priority first, those of one priority in turn, each in order.
  Task<Result<Permit>> Acquire(GateTurn turn, std::stop_token cancel);

  // While requests fail, or the server has asked for silence.
  std::optional<Outage> outage() const override;
  passnet::Event& changed() override { return changed_; }

  // Requests that the endpoint answered, whatever it said.
  uint64_t answered() const { return facts_.answered; }
  int limit() const { return limit_; }
  int in_flight() const { return facts_.in_flight; }
  GateFacts facts() const;

 protected:
  // What a request took with it through the gate.
  struct Grant {
    GateTurn turn;
    uint64_t try_number = 0;
    int episode = 0;
    bool paced = false;
  };
  // Goes by what other calls met with; a replay of one trajectory, which does not know them, goes by what is stored.
  virtual bool IsOwnFailure(const Grant& grant, dialects::OutcomeClass outcome) const;

 private:
  struct Waiter {
    Grant grant;
    bool granted = false;
    passnet::Event called;
  };
  struct Line {
    std::string campaign;
    int64_t priority = 0;
    std::deque<std::shared_ptr<Waiter>> waiters;
  };

  std::shared_ptr<Waiter> Join(GateTurn turn);
  void Leave(const std::shared_ptr<Waiter>& waiter);
  std::list<Line>::iterator NextLine();
  SteadyTime OpensAt(const GateTurn& turn, SteadyTime now) const;
  void LetThrough();
  Task<void> KeepTime(std::shared_ptr<Waiter> keeper, std::stop_token cancel);
  void HandTimeOver();

  bool Settle(const Grant& grant, const dialects::AttemptOutcome& outcome, const dialects::RawReply& reply);
  void Answered(const Grant& grant);
  void Refused(const Grant& grant, const RateHeaders& headers, const std::string& reason);
  void Failed(const Grant& grant, const RateHeaders& headers, const std::string& reason, bool dear);
  void RefusedForGood(const Grant& grant, const std::string& reason);
  void Silence(Nanos span, const std::string& reason);
  void GiveBack(const Grant& grant, bool settled);
  void TellIfChanged(const std::optional<Outage>& before);
  int64_t SilentUntilUtc() const;

  const std::string endpoint_;
  const GateOptions options_;
  const Clock* const clock_;
  Sleeper* const sleeper_;

  // Who waits. One waiter, the timekeeper, sleeps until the gate may open; the others wait to be called.
  std::list<Line> lines_;
  std::shared_ptr<Waiter> timekeeper_;
  std::stop_source wake_;

  // In flight.
  int limit_;
  bool slow_start_ = true;  // doubles a round, until the first refusal
  int clean_ = 0;           // whole replies since the limit last changed
  int episode_ = 0;         // of 429s: one of a request from before the last shrink belongs to that episode

  // When.
  Breaker breaker_;
  Pace pace_;
  Bucket requests_;
  Bucket tokens_;
  LearntWindow request_window_;
  LearntWindow token_window_;
  SteadyTime silent_until_ = SteadyTime::min();
  std::string silence_reason_;
  int64_t silent_since_utc_us_ = 0;  // 0: nothing was refused since the last answer
  int refusals_ = 0;                 // episodes without an answer in between

  // Calls that failed since the last answer: one, or several.
  std::string failed_call_;
  bool several_failed_ = false;

  GateFacts facts_;  // the counters of it
  passnet::Event changed_;
};

class Gate::Permit {
 public:
  Permit(Permit&& other) noexcept = default;
  Permit& operator=(Permit&& other) = delete;
  ~Permit();
  // Tells how the request ended and gives the place back. True when a failure is this call's own: the endpoint has
  // answered others meanwhile, or, where the reply may have been billed, no other call fails with it.
  bool Settle(const dialects::AttemptOutcome& outcome, const dialects::RawReply& reply);

 private:
  friend class Gate;
  Permit(std::shared_ptr<Gate> gate, Grant grant) : gate_(std::move(gate)), grant_(std::move(grant)) {}
  std::shared_ptr<Gate> gate_;
  Grant grant_;
};

// One gate for each endpoint and key of the process.
class GateRegistry {
 public:
  GateRegistry(GateOptions options, const Clock* clock, Sleeper* sleeper)
      : options_(options), clock_(clock), sleeper_(sleeper) {}
  // The limits of the first that asks hold; absent ones are those of the registry's options.
  std::shared_ptr<Gate> For(const EndpointOptions& endpoint);
  std::vector<GateFacts> facts() const;

 private:
  struct Known {
    std::string name;
    std::shared_ptr<Gate> gate;
  };
  const GateOptions options_;
  const Clock* const clock_;
  Sleeper* const sleeper_;
  std::map<std::string, Known> gates_;  // by base URL and the key's digest
};

}  // namespace passnet::agent
