#include "agent/budget/budget.h"

#include <stop_token>
#include <utility>

#include "base/json.h"

namespace passnet::agent {
namespace {

std::optional<int64_t> Cost(int64_t prompt_tokens, int64_t completion_tokens, const Prices& prices) {
  if (!prices.known()) return std::nullopt;
  double microusd = static_cast<double>(prompt_tokens) * *prices.prompt_usd_per_million +
                    static_cast<double>(completion_tokens) * *prices.completion_usd_per_million;
  return SaturatingCeil(microusd);
}

Amount ReservationOf(const std::string& payload) {
  Amount amount;
  // A payload that does not parse ends its trajectory (agent/loop/trajectory_fold.h); here it reserves nothing.
  auto json = ParseJson(payload);
  if (!json) return amount;
  amount.prompt_tokens = json.value()["reserved_tokens"].Integer();
  const Json& microusd = json.value()["reserved_microusd"];
  if (microusd.is_integer()) amount.microusd = microusd.Integer();
  return amount;
}

}  // namespace

Amount operator+(const Amount& a, const Amount& b) {
  Amount sum{SaturatingAdd(a.prompt_tokens, b.prompt_tokens), SaturatingAdd(a.completion_tokens, b.completion_tokens),
             a.microusd};
  if (b.microusd) sum.microusd = SaturatingAdd(a.microusd.value_or(0), *b.microusd);
  return sum;
}

std::optional<Amount> AmountBilled(const trajectories::EventDraft& event) {
  using trajectories::EventKind;
  const bool billed = event.kind == EventKind::kLlmAttemptEnd || event.kind == EventKind::kLlmOutcome ||
                      event.kind == EventKind::kLlmLost;
  if (!billed) return std::nullopt;
  return Amount{event.prompt_tokens.value_or(0), event.completion_tokens.value_or(0), event.cost_microusd};
}

Amount UpperBound(size_t request_bytes, int64_t max_tokens, const Prices& prices) {
  auto prompt = static_cast<int64_t>(request_bytes);
  return {prompt, max_tokens, Cost(prompt, max_tokens, prices)};
}

Amount AmountOf(const dialects::Usage& usage, const Prices& prices) {
  return {usage.prompt_tokens, usage.completion_tokens, Cost(usage.prompt_tokens, usage.completion_tokens, prices)};
}

Task<Status> Budget::Reserve(std::string call_id, Amount amount, std::stop_token cancel) {
  for (;;) {
    if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled while waiting for the budget"};
    if (Fits(reserved(), amount)) break;
    if (reserved_.empty()) {
      co_return Error{ErrorCode::kResourceExhausted,
                      "the campaign's budget is used up: " + std::to_string(spent_.tokens()) + " tokens and " +
                          std::to_string(spent_.microusd.value_or(0)) +
                          " micro-dollars are spent, the next call may take " + std::to_string(amount.tokens()) +
                          " tokens"};
    }
    co_await released_.Wait(cancel);
  }
  reserved_[call_id] = amount;
  co_return OkStatus();
}

void Budget::Release(const std::string& call_id) {
  if (reserved_.erase(call_id) > 0) released_.NotifyAll();
}

void Budget::Apply(const trajectories::EventDraft& event) {
  using trajectories::EventKind;
  switch (event.kind) {
    case EventKind::kLlmIntent:
      reserved_[event.subject] = ReservationOf(event.payload);
      break;
    case EventKind::kLlmAttemptEnd:
    case EventKind::kLlmOutcome:
    case EventKind::kLlmLost:
      spent_ = spent_ + *AmountBilled(event);
      if (event.kind != EventKind::kLlmAttemptEnd) Release(event.subject);
      break;
    default:
      break;
  }
}

Amount Budget::reserved() const {
  Amount sum{0, 0, 0};
  for (const auto& [call_id, amount] : reserved_) sum = sum + amount;
  return sum;
}

bool Budget::Fits(const Amount& reserved, const Amount& more) const {
  const Amount sum = spent_ + reserved + more;
  if (limits_.total_tokens && sum.tokens() > *limits_.total_tokens) return false;
  return !limits_.total_usd || static_cast<double>(sum.microusd.value_or(0)) <= *limits_.total_usd * 1e6;
}

}  // namespace passnet::agent
