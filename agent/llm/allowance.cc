#include "agent/llm/allowance.h"

#include <algorithm>

namespace passnet::agent {
namespace {

using FloatSeconds = std::chrono::duration<double>;

constexpr double kBurstSeconds = 10;

}  // namespace

Bucket::Bucket(std::optional<double> per_minute, double least, SteadyTime now)
    : per_second_(per_minute.value_or(0) / 60),
      capacity_(std::max(least, per_second_ * kBurstSeconds)),
      level_(capacity_),
      at_(now) {}

double Bucket::LevelAt(SteadyTime now) const {
  return std::min(capacity_, level_ + per_second_ * FloatSeconds(now - at_).count());
}

SteadyTime Bucket::FreeAt(double amount, SteadyTime now) const {
  if (per_second_ <= 0) return now;
  const double missing = std::min(amount, capacity_) - LevelAt(now);
  if (missing <= 0) return now;
  return now + std::chrono::ceil<Nanos>(FloatSeconds(missing / per_second_));
}

void Bucket::Take(double amount, SteadyTime now) {
  if (per_second_ <= 0) return;
  level_ = LevelAt(now) - std::min(amount, capacity_);
  at_ = now;
}

void LearntWindow::Learn(const RateWindow& window, Nanos longest, SteadyTime now) {
  limit_ = window.limit;
  left_ = window.remaining;
  reset_at_ = now + std::min(window.reset, longest);
}

SteadyTime LearntWindow::FreeAt(double amount, SteadyTime now) const {
  const bool enough = left_ >= std::min(amount, limit_);
  return enough || now >= reset_at_ ? now : reset_at_;
}

}  // namespace passnet::agent
