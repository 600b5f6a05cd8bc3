// A command of a server thread to the loop: posted, awaited there, answered here, with a deadline for the waiting.
// Threads: call from any thread but the loop's.
// Errors: kDeadlineExceeded (the command goes on without us), and the command's own.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"

namespace passnet::daemon {

template <typename R>
using Command = std::function<Task<R>()>;

template <typename R>
Task<void> Fulfil(Command<R> command, std::shared_ptr<std::promise<R>> promise) {
  promise->set_value(co_await command());
}

// R is a Result.
template <typename R>
R CallOnLoop(boost::asio::io_context& loop, Deadline deadline, Command<R> command) {
  auto promise = std::make_shared<std::promise<R>>();
  std::future<R> answer = promise->get_future();
  boost::asio::co_spawn(loop, Fulfil<R>(std::move(command), promise), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  if (answer.wait_until(deadline.at()) != std::future_status::ready) {
    return Error{ErrorCode::kDeadlineExceeded, "the daemon is busy and has not answered in time; the request goes on"};
  }
  return answer.get();
}

}  // namespace passnet::daemon
