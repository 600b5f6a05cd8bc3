#include "agent/campaign/task_group.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <stop_token>
#include <utility>

namespace passnet::agent {

Task<void> TaskGroup::WaitForAnEnd() {
  std::stop_token never;
  if (running_ > 0) co_await ended_.Wait(never);
}

void TaskGroup::Spawn(Task<void> task) {
  ++running_;
  boost::asio::co_spawn(executor_, std::move(task), [this](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
    --running_;
    ended_.NotifyAll();
  });
}

Task<void> TaskGroup::Wait() {
  std::stop_token never;
  while (running_ > 0) co_await ended_.Wait(never);
}

}  // namespace passnet::agent
