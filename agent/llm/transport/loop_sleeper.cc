#include <boost/asio/redirect_error.hpp>

#include <stop_token>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/llm/sleeper.h"

namespace passnet::agent {
namespace {

namespace asio = boost::asio;

class TimerSleeper : public Sleeper {
 public:
  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override {
    if (cancel.stop_requested()) co_return false;
    asio::steady_timer timer(co_await asio::this_coro::executor, until.at());
    std::stop_callback subscription(cancel, [&timer] { timer.cancel(); });
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return !cancel.stop_requested();
  }
};

}  // namespace

std::unique_ptr<Sleeper> LoopSleeper() { return std::make_unique<TimerSleeper>(); }

}  // namespace passnet::agent
