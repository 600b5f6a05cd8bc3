#include "agent/llm/pace.h"

#include <algorithm>

namespace passnet::agent {
namespace {

using RealSeconds = std::chrono::duration<double>;

constexpr Nanos kWindow = std::chrono::seconds(60);
// All chosen in a simulation of token buckets of 0.5 to 50 requests a second that hold 1 to 30: at most 5 % of the
// replies to 400 requests are refusals but for the largest burst, and above nine tenths of the limit are used.
constexpr double kDrop = 0.7;      // of the plateau, after a refusal
constexpr double kPlateau = 0.9;   // of the rate that was refused
constexpr double kClimb = 100;     // accepted requests until the plateau
constexpr double kSlowest = 1.0 / 60;  // per second; longer pauses are for the server to ask for
constexpr double kFree = 1000;     // per second: beyond this nothing is spaced

}  // namespace

SteadyTime Pace::FreeAt(SteadyTime now) const { return refused_at_ ? std::max(now, next_send_) : now; }

bool Pace::Sent(SteadyTime now) {
  Count(now);
  const std::optional<double> rate = per_second();
  if (!rate) return false;
  const Nanos step = std::chrono::duration_cast<Nanos>(RealSeconds(1 / *rate));
  const bool limited = now - last_send_ < step + step / 2;
  last_send_ = now;
  next_send_ = now + step;
  return limited;
}

void Pace::Count(SteadyTime now) {
  const bool after_a_rest = now - window_began_ >= 2 * kWindow;
  if (after_a_rest || now - window_began_ >= kWindow) {
    window_before_began_ = after_a_rest ? now : window_began_;
    sent_before_ = after_a_rest ? 0 : sent_;
    window_began_ = now;
    sent_ = 0;
  }
  sent_ += 1;
}

void Pace::Accepted(bool was_limited) {
  if (!refused_at_ || !was_limited) return;
  ++climbed_;
  if (*per_second() > kFree) refused_at_.reset();
}

void Pace::Refused(SteadyTime now, bool first) {
  sent_ = std::max(0.0, sent_ - 1);
  const double measured = std::max(Measured(now), kSlowest);
  const std::optional<double> rate = per_second();
  if (first) {
    lowest_ = rate ? *rate / 2 : 0;
    refused_at_ = rate ? std::clamp(measured, lowest_, *rate) : measured;
    climbed_ = 0;
  } else if (refused_at_ && climbed_ == 0) {
    refused_at_ = std::min(*refused_at_, std::max(measured, lowest_));
  }
  next_send_ = now;
}

std::optional<double> Pace::per_second() const {
  if (!refused_at_) return std::nullopt;
  const double left = 1 - static_cast<double>(climbed_) / kClimb;
  return std::max(kSlowest, kPlateau * *refused_at_ * (1 - (1 - kDrop) * left * left * left));
}

// At least one request over at least one second: an endpoint that refused the very first one has told no rate.
double Pace::Measured(SteadyTime now) const {
  const double seconds = RealSeconds(now - window_before_began_).count();
  return std::max(1.0, sent_ + sent_before_) / std::max(1.0, seconds);
}

}  // namespace passnet::agent
