#include "agent/campaign/park_watch.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "agent/campaign/task_group.h"

namespace passnet::agent {
namespace {

// Silences end by themselves, without anybody telling; an outage whose next try is due is looked at again soon.
constexpr Nanos kLookAgain = std::chrono::seconds(1);

}  // namespace

std::optional<Outage> LongestOutage(const std::vector<SharedPart*>& parts) {
  std::optional<Outage> longest;
  for (const SharedPart* part : parts) {
    auto outage = part->outage();
    if (outage && (!longest || outage->since_utc_us < longest->since_utc_us)) longest = std::move(outage);
  }
  return longest;
}

Task<Status> ParkWatch::Run(std::stop_token stop) {
  TaskGroup listeners(co_await boost::asio::this_coro::executor, static_cast<int64_t>(parts_.size()));
  std::stop_source ended;
  for (SharedPart* part : parts_) listeners.Spawn(Listen(part, ended.get_token()));
  Status told = OkStatus();
  while (!stop.stop_requested()) {
    std::stop_source look;
    look_ = look;
    told = co_await Look();
    if (!told) break;
    std::stop_callback stopped(stop, [&look] { look.request_stop(); });
    Deadline until = NextLook();
    std::stop_token woken = look.get_token();
    co_await sleeper_->SleepUntil(until, woken);
  }
  ended.request_stop();
  co_await listeners.Wait();
  co_return told;
}

Task<void> ParkWatch::Listen(SharedPart* part, std::stop_token stop) {
  while (!stop.stop_requested()) {
    co_await part->changed().Wait(stop);
    look_.request_stop();
  }
}

Task<Status> ParkWatch::Look() {
  const SteadyTime now = clock_->Now();
  std::optional<Outage> outage = LongestOutage(parts_);
  if (!outage) {
    out_since_.reset();
    if (!told_at_) co_return OkStatus();
    if (!works_since_) works_since_ = now;
    if (now - *works_since_ < options_.resume_after) co_return OkStatus();
    told_at_.reset();
    works_since_.reset();
    co_return co_await tell_(outage);
  }
  works_since_.reset();
  if (!out_since_) {
    // Between two silences of one episode it works for a moment; the outage itself knows since when.
    const std::chrono::microseconds lasted(std::max<int64_t>(0, clock_->UtcMicros() - outage->since_utc_us));
    out_since_ = now - lasted;
  }
  const bool due = told_at_ ? now - *told_at_ >= options_.tell_again : now - *out_since_ >= options_.park_after;
  if (!due) co_return OkStatus();
  told_at_ = now;
  co_return co_await tell_(std::move(outage));
}

Deadline ParkWatch::NextLook() const {
  if (!out_since_ && !told_at_) return Deadline::Never();
  if (works_since_) return Deadline::At(*works_since_ + options_.resume_after);
  const SteadyTime soon = clock_->Now() + std::max(kLookAgain, options_.park_after / 4);
  return Deadline::At(told_at_ ? soon : std::min(soon, *out_since_ + options_.park_after));
}

}  // namespace passnet::agent
