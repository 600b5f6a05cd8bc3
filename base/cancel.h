// Cooperative cancelling on the loop thread: one source, many tokens; a token is passed by value down every call.
// Threads: loop-only. Ownership: source and tokens share a small state; a Subscription unsubscribes when destroyed.
// Errors: none. Who is cancelled reports ErrorCode::kCancelled itself.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

namespace passnet {

class CancelToken {
 public:
  class Subscription;

  // A token that is never cancelled.
  CancelToken() = default;

  bool cancelled() const { return state_ && state_->cancelled; }
  // Calls `fn` once, from inside Cancel() (or at once when already cancelled), unless the subscription is gone first.
  // `fn` must not block and must not resume a coroutine directly; it closes a socket or ends a timer.
  [[nodiscard]] Subscription OnCancel(std::function<void()> fn) const;

 private:
  friend class CancelSource;
  struct State {
    bool cancelled = false;
    uint64_t next_id = 0;
    std::map<uint64_t, std::function<void()>> callbacks;
  };
  explicit CancelToken(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class CancelToken::Subscription {
 public:
  Subscription() = default;
  Subscription(Subscription&& other) noexcept : state_(std::move(other.state_)), id_(other.id_) {}
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription() { Reset(); }
  void Reset();

 private:
  friend class CancelToken;
  Subscription(std::shared_ptr<State> state, uint64_t id) : state_(std::move(state)), id_(id) {}
  std::shared_ptr<State> state_;
  uint64_t id_ = 0;
};

class CancelSource {
 public:
  CancelSource() : state_(std::make_shared<CancelToken::State>()) {}
  CancelToken token() const { return CancelToken(state_); }
  bool cancelled() const { return state_->cancelled; }
  // Idempotent.
  void Cancel();

 private:
  std::shared_ptr<CancelToken::State> state_;
};

}  // namespace passnet
