#include "agent/campaign/task_group.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace passnet::agent {

Task<bool> TaskGroup::WaitForPlace(CancelToken cancel) {
  while (running_ >= capacity_ && !cancel.cancelled()) co_await WaitForEnd(cancel);
  co_return !cancel.cancelled();
}

void TaskGroup::Spawn(Task<void> task) {
  ++running_;
  boost::asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    --running_;
    for (const auto& waiter : std::exchange(waiting_, {})) waiter->Cancel();
  });
}

Task<void> TaskGroup::Wait() {
  CancelToken never;
  while (running_ > 0) co_await WaitForEnd(never);
}

Task<void> TaskGroup::WaitForEnd(CancelToken cancel) {
  auto wake = std::make_shared<CancelSource>();
  waiting_.push_back(wake);
  auto cancelled = cancel.OnCancel([wake] { wake->Cancel(); });
  CancelToken woken = wake->token();
  co_await sleeper_->SleepUntil(Deadline::Never(), woken);
}

}  // namespace passnet::agent
