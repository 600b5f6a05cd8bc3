#include "agent/health/breaker.h"

#include <algorithm>
#include <utility>

namespace passnet::agent {

bool Breaker::MayTry() const { return !open_ || (probe_ == 0 && clock_->Now() >= next_try_); }

Deadline Breaker::next_try() const {
  if (!open_) return Deadline::At(clock_->Now());
  return probe_ != 0 ? Deadline::Never() : Deadline::At(next_try_);
}

uint64_t Breaker::Begin() {
  ++last_try_;
  if (open_) probe_ = last_try_;
  return last_try_;
}

// Also of one that began before it opened: whatever answers works.
void Breaker::Succeeded(uint64_t) {
  open_ = false;
  probe_ = 0;
  failures_ = 0;
  waits_ = 0;
}

void Breaker::Failed(uint64_t try_number, Failure failure) {
  reason_ = std::move(failure.reason);
  ++failures_;
  // Tries that began before it opened come back while it is open; only the one that was let through since then moves
  // the next one further away.
  const bool opens = !open_ && (failure.at_once || failures_ >= options_.failures_to_open);
  const bool reopens = open_ && probe_ == try_number;
  if (!opens && !reopens) return;
  if (opens) since_utc_us_ = clock_->UtcMicros();
  const Nanos span = failure.wait.value_or(NextWait());
  ++waits_;
  open_ = true;
  probe_ = 0;
  next_try_ = clock_->Now() + span;
  next_try_utc_us_ = clock_->UtcMicros() + std::chrono::duration_cast<std::chrono::microseconds>(span).count();
}

void Breaker::Abandoned(uint64_t try_number) {
  if (probe_ == try_number) probe_ = 0;
}

std::optional<Outage> Breaker::outage(const std::string& what) const {
  if (!open_) return std::nullopt;
  return Outage{what, reason_, since_utc_us_, next_try_utc_us_};
}

// 2^20 first waits are beyond every longest one; more would overflow.
Nanos Breaker::NextWait() const {
  return std::min(options_.first_wait * (int64_t{1} << std::min(waits_, 20)), options_.longest_wait);
}

}  // namespace passnet::agent
