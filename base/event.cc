#include "base/event.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <list>
#include <utility>

#include "base/clock.h"

namespace passnet {

namespace asio = boost::asio;

struct Event::Waiting {
  std::list<asio::steady_timer> timers;
};

Event::Event() : waiting_(std::make_shared<Waiting>()) {}

Task<void> Event::Wait(std::stop_token stop) {
  // Leaves the list also when the loop goes away under a coroutine that waits.
  struct Entry {
    std::shared_ptr<Waiting> waiting;
    std::list<asio::steady_timer>::iterator place;
    ~Entry() { waiting->timers.erase(place); }
  };
  const std::shared_ptr<Waiting> waiting = waiting_;
  if (stop.stop_requested()) co_return;
  const auto executor = co_await asio::this_coro::executor;
  const Entry entry{waiting, waiting->timers.emplace(waiting->timers.end(), executor, SteadyTime::max())};
  std::stop_callback stopped(stop, [&entry] { entry.place->cancel(); });
  boost::system::error_code ignored;
  co_await entry.place->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void Event::NotifyAll() {
  for (asio::steady_timer& timer : waiting_->timers) timer.cancel();
}

}  // namespace passnet
