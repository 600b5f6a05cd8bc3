// What a campaign may still spend: tokens and money as a fold of its events, with a reservation before every call, so
// that calls in flight at the same time cannot overshoot together.
// Threads: loop-only. Borrows: the sleeper.
// Errors: kResourceExhausted (the budget is used up), kCancelled.
// Source: docs/formats.md, "usage".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "base/event.h"
#include "base/result.h"
#include "base/saturating.h"
#include "base/task.h"
#include "dialects/chat.h"
#include "trajectories/event.h"

namespace passnet::agent {

// US dollars per million tokens, pinned at launch. Absent: unknown.
struct Prices {
  std::optional<double> prompt_usd_per_million;
  std::optional<double> completion_usd_per_million;
  bool known() const { return prompt_usd_per_million && completion_usd_per_million; }
};

struct BudgetLimits {
  std::optional<int64_t> total_tokens;
  std::optional<double> total_usd;
};

struct Amount {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  std::optional<int64_t> microusd;  // absent: the price is unknown
  int64_t tokens() const { return SaturatingAdd(prompt_tokens, completion_tokens); }
};

Amount operator+(const Amount& a, const Amount& b);

// What a request can cost at most: a token is at least one byte of the request, and the reply has at most `max_tokens`.
Amount UpperBound(size_t request_bytes, int64_t max_tokens, const Prices& prices);
// What the provider counted.
Amount AmountOf(const dialects::Usage& usage, const Prices& prices);

// What an attempt cost or may have cost, where the event tells of one.
std::optional<Amount> AmountBilled(const trajectories::EventDraft& event);

class Budget {
 public:
  explicit Budget(BudgetLimits limits) : limits_(limits) {}

  // Waits while other calls' reservations could still come back; the error says which limit is reached. The reservation
  // ends with the call's llm_outcome or llm_lost, or with Release.
  Task<Status> Reserve(std::string call_id, Amount amount, std::stop_token cancel);
  // The intent could not be written: nothing was sent.
  void Release(const std::string& call_id);

  // Every event of the campaign, in order: llm_intent reserves, what was billed or may have been is spent.
  void Apply(const trajectories::EventDraft& event);

  const Amount& spent() const { return spent_; }
  Amount reserved() const;
  // More is spent than allowed: no further attempt, not even of a call that has its reservation.
  bool overdrawn() const { return !Fits({}, {}); }

 private:
  bool Fits(const Amount& reserved, const Amount& more) const;

  const BudgetLimits limits_;
  Amount spent_{0, 0, 0};
  std::map<std::string, Amount> reserved_;  // by call id
  passnet::Event released_;
};

}  // namespace passnet::agent
