// Coroutines that belong to one owner: spawned up to a bound, always waited for.
// Threads: loop-only. Borrows: the sleeper. Whoever owns the group co_awaits Wait() before destroying it.
// Errors: none; an exception that leaves a spawned coroutine ends the process (coroutines of ours return Results).
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <vector>

#include "agent/llm/sleeper.h"
#include "base/cancel.h"
#include "base/task.h"

namespace passnet::agent {

class TaskGroup {
 public:
  TaskGroup(boost::asio::any_io_executor executor, Sleeper* sleeper, int64_t capacity)
      : executor_(std::move(executor)), sleeper_(sleeper), capacity_(capacity) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  // Waits for a free place; false when cancelled before there was one.
  Task<bool> WaitForPlace(CancelToken cancel);
  // Starts at once, whatever the capacity says.
  void Spawn(Task<void> task);
  // Until every spawned coroutine has ended.
  Task<void> Wait();

  int64_t running() const { return running_; }

 private:
  Task<void> WaitForEnd(CancelToken cancel);

  const boost::asio::any_io_executor executor_;
  Sleeper* const sleeper_;
  const int64_t capacity_;
  int64_t running_ = 0;
  std::vector<std::shared_ptr<CancelSource>> waiting_;
};

}  // namespace passnet::agent
