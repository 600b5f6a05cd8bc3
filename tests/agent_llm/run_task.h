// Runs a coroutine of the loop thread to its end, inside a test.
// Threads: the calling thread becomes the loop.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/task.h"

namespace passnet {

// co_spawn wants results that can be made from nothing, which ours cannot.
template <typename T>
Task<void> StoreResult(Task<T> task, std::optional<T>* result) {
  result->emplace(co_await std::move(task));
}

// On a loop that lives longer, because sockets or a server of the test are bound to it. Other work of the loop is left
// where it is when the task ends.
template <typename T>
T RunTaskOn(boost::asio::io_context& loop, Task<T> task) {
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(loop, StoreResult(std::move(task), &result), [&](std::exception_ptr error) {
    failure = error;
    loop.stop();
  });
  loop.restart();
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*result);
}

template <typename T>
T RunTask(Task<T> task) {
  boost::asio::io_context loop;
  return RunTaskOn(loop, std::move(task));
}

}  // namespace passnet
