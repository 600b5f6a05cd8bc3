#include "agent/llm/adaptive_limiter.h"

#include <algorithm>
#include <stop_token>
#include <utility>

#include "base/sha256.h"

namespace passnet::agent {

AdaptiveLimiter::AdaptiveLimiter(LimiterOptions options)
    : options_(options), limit_(std::clamp(options.start, options.floor, options.ceiling)) {}

Task<Result<AdaptiveLimiter::Permit>> AdaptiveLimiter::Acquire(std::stop_token cancel) {
  auto self = shared_from_this();
  if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled before the request was sent"};
  if (waiting_.empty() && in_flight_ < limit_) {
    ++in_flight_;
    co_return Permit(self, episode_);
  }
  if (waiting_.size() >= options_.max_waiting) {
    co_return Error{ErrorCode::kOverloaded, "endpoint limiter: " + std::to_string(waiting_.size()) +
                                                " requests wait already; lower the campaign's concurrency"};
  }
  auto waiter = std::make_shared<Waiter>();
  waiting_.push_back(waiter);
  while (!waiter->granted && !cancel.stop_requested()) co_await waiter->granted_now.Wait(cancel);
  if (!waiter->granted) {
    std::erase(waiting_, waiter);
    co_return Error{ErrorCode::kCancelled, "cancelled while waiting for the endpoint"};
  }
  Permit permit(self, episode_);
  // Granted and cancelled in the same turn of the loop: the permit's destructor passes the place on.
  if (cancel.stop_requested()) co_return Error{ErrorCode::kCancelled, "cancelled while waiting for the endpoint"};
  co_return permit;
}

void AdaptiveLimiter::Settle(int episode, dialects::OutcomeClass outcome) {
  // Requests from before the last shrink tell nothing about the limit that holds now.
  if (episode != episode_) return;
  switch (outcome) {
    case dialects::OutcomeClass::kRateLimited:
      limit_ = std::max(options_.floor, static_cast<int>(limit_ * options_.shrink));
      ++episode_;
      clean_ = 0;
      return;
    case dialects::OutcomeClass::kOverloaded:
    case dialects::OutcomeClass::kTransport: clean_ = 0; return;
    case dialects::OutcomeClass::kQuota:
    case dialects::OutcomeClass::kAuth:
    case dialects::OutcomeClass::kCancelled: return;
    case dialects::OutcomeClass::kAccepted:
    case dialects::OutcomeClass::kTruncated:
    case dialects::OutcomeClass::kRefused:
    case dialects::OutcomeClass::kMalformed:
    case dialects::OutcomeClass::kContextOverflow:
    case dialects::OutcomeClass::kBadRequest: break;
  }
  // A limit that nobody reaches has not been tried, so it must not grow.
  if (in_flight_ < limit_) return;
  if (++clean_ < limit_) return;
  limit_ = std::min(options_.ceiling, limit_ + 1);
  clean_ = 0;
}

void AdaptiveLimiter::GiveBack() {
  --in_flight_;
  GrantFree();
}

void AdaptiveLimiter::GrantFree() {
  while (!waiting_.empty() && in_flight_ < limit_) {
    auto waiter = std::move(waiting_.front());
    waiting_.pop_front();
    waiter->granted = true;
    ++in_flight_;
    waiter->granted_now.NotifyAll();
  }
}

AdaptiveLimiter::Permit& AdaptiveLimiter::Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    GiveBack();
    limiter_ = std::move(other.limiter_);
    episode_ = other.episode_;
  }
  return *this;
}

void AdaptiveLimiter::Permit::Settle(dialects::OutcomeClass outcome) {
  if (limiter_) limiter_->Settle(episode_, outcome);
  GiveBack();
}

void AdaptiveLimiter::Permit::GiveBack() {
  if (auto limiter = std::exchange(limiter_, nullptr)) limiter->GiveBack();
}

std::shared_ptr<AdaptiveLimiter> LimiterRegistry::For(const std::string& base_url, const Secret& api_key) {
  auto& limiter = limiters_[base_url + " " + Sha256Hex(api_key.Reveal())];
  if (!limiter) limiter = std::make_shared<AdaptiveLimiter>(options_);
  return limiter;
}

}  // namespace passnet::agent
