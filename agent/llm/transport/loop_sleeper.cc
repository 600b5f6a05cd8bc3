#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "agent/llm/sleeper.h"

namespace passnet::agent {
namespace {

namespace asio = boost::asio;

class TimerSleeper : public Sleeper {
 public:
  Task<bool> SleepUntil(Deadline until, CancelToken cancel) override {
    if (cancel.cancelled()) co_return false;
    asio::steady_timer timer(co_await asio::this_coro::executor, until.at());
    auto subscription = cancel.OnCancel([&timer] { timer.cancel(); });
    boost::system::error_code error;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    co_return !cancel.cancelled();
  }
};

}  // namespace

std::unique_ptr<Sleeper> LoopSleeper() { return std::make_unique<TimerSleeper>(); }

}  // namespace passnet::agent
