// One call of the model: attempts, waits and the endpoint's gate put together, with a callback on both sides of every
// send so that each attempt can be made durable before it leaves and its reply before anything uses it.
// Threads: loop-only. Borrows: everything in CallPorts for the time of the call.
// Errors: kCancelled (while waiting; a cancel during a send ends as OutcomeClass::kCancelled), kDeadlineExceeded (it
// has failed for as long as RetryOptions::give_up_after allows), and whatever the observer returns, unchanged: the call
// then ends at once.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "agent/llm/client.h"
#include "agent/llm/gate.h"
#include "agent/llm/retry_policy.h"
#include "agent/llm/sleeper.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "dialects/chat.h"

namespace passnet::agent {

// Attempts are counted from 1. Pointers are valid until the returned task has ended.
class AttemptObserver {
 public:
  virtual ~AttemptObserver() = default;
  // Return once the intent to send is durable. An error means: nothing is sent.
  virtual Task<Status> BeforeSend(int attempt) = 0;
  // Return once the raw reply is durable. Nothing has parsed it yet.
  virtual Task<Status> AfterReply(int attempt, const dialects::RawReply* reply) = 0;
  // Told after interpretation, before any wait.
  virtual Task<Status> AfterDecision(const AttemptCounts* counts, const dialects::AttemptOutcome* outcome,
                                     const RetryDecision* decision) = 0;
};

struct CallPorts {
  LlmClient* client = nullptr;
  Gate* gate = nullptr;
  Sleeper* sleeper = nullptr;
  AttemptObserver* observer = nullptr;
  const Clock* clock = nullptr;
  std::function<double()> jitter;  // uniform in [0, 1)
};

struct CallOptions {
  AttemptLimits limits;
  RetryOptions retry;
  AttemptCounts before{0, 0, 0};  // attempts of an earlier life of the process
  int64_t failing_since_utc_us = 0;  // when the first of those had failed; 0: none has
  GateTurn turn;
  // Ends what only waits, as a cancel does, and nothing is sent any more; a request that is on its way is waited for.
  std::stop_token pause;
};

struct CallResult {
  dialects::AttemptOutcome outcome;  // of the last attempt
  dialects::RawReply raw;            // likewise
  AttemptCounts counts;
  std::string ended;  // why no further attempt was made
};

// Every attempt sends the bytes of `request` and reads the reply in its dialect: rendered by client->dialect() for a new
// call, as journaled for one that a restart interrupted.
Task<Result<CallResult>> CallModel(CallPorts ports, dialects::WireRequest request, CallOptions options,
                                   std::stop_token cancel);

}  // namespace passnet::agent
