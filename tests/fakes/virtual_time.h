// Time that passes only where everybody sleeps: many coroutines on one loop, each with its own waits, without any real
// waiting. Run runs what can run, then moves the clock to the earliest wake-up, and so on.
// Threads: loop-only.
#pragma once

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <list>
#include <memory>
#include <stop_token>

#include "agent/llm/sleeper.h"
#include "base/event.h"
#include "tests/fakes/fake_clock.h"

namespace passnet::fakes {

class VirtualTime : public agent::Sleeper {
 public:
  explicit VirtualTime(FakeClock* clock) : clock_(clock) {}

  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override {
    auto nap = std::make_shared<Nap>(Nap{until.at(), {}});
    naps_.push_back(nap);
    while (clock_->Now() < nap->until && !cancel.stop_requested()) co_await nap->over.Wait(cancel);
    std::erase(naps_, nap);
    co_return !cancel.stop_requested();
  }

  // Until nobody sleeps any more but those who sleep for ever.
  void Run(boost::asio::io_context& loop) {
    for (;;) {
      loop.restart();
      loop.poll();
      SteadyTime next = SteadyTime::max();
      for (const auto& nap : naps_) next = std::min(next, nap->until);
      if (next == SteadyTime::max()) return;
      if (next > clock_->Now()) clock_->Advance(next - clock_->Now());
      for (const auto& nap : naps_) {
        if (nap->until <= clock_->Now()) nap->over.NotifyAll();
      }
    }
  }

 private:
  struct Nap {
    SteadyTime until;
    Event over;
  };
  FakeClock* const clock_;
  std::list<std::shared_ptr<Nap>> naps_;
};

}  // namespace passnet::fakes
