#include "base/cancel.h"

#include <utility>

namespace passnet {

CancelToken::Subscription CancelToken::OnCancel(std::function<void()> fn) const {
  if (!state_) return {};
  if (state_->cancelled) {
    fn();
    return {};
  }
  uint64_t id = state_->next_id++;
  state_->callbacks.emplace(id, std::move(fn));
  return Subscription(state_, id);
}

CancelToken::Subscription& CancelToken::Subscription::operator=(Subscription&& other) noexcept {
  if (this != &other) {
    Reset();
    state_ = std::move(other.state_);
    id_ = other.id_;
  }
  return *this;
}

void CancelToken::Subscription::Reset() {
  if (state_) state_->callbacks.erase(id_);
  state_.reset();
}

void CancelSource::Cancel() {
  if (state_->cancelled) return;
  state_->cancelled = true;
  // One at a time: a callback may drop other subscriptions, or the last owner of this source.
  auto state = state_;
  while (!state->callbacks.empty()) {
    auto first = state->callbacks.extract(state->callbacks.begin());
    first.mapped()();
  }
}

}  // namespace passnet
