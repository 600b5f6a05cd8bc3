// Coroutines that belong to one owner: spawned up to a bound, always waited for.
// Threads: loop-only. Whoever owns the group co_awaits Wait() before destroying it.
// Errors: none; an exception that leaves a spawned coroutine ends the process (coroutines of ours return Results).
#pragma once

#include <boost/asio/any_io_executor.hpp>

#include "base/event.h"
#include "base/task.h"

namespace passnet::agent {

class TaskGroup {
 public:
  TaskGroup(boost::asio::any_io_executor executor, int64_t capacity)
      : executor_(std::move(executor)), capacity_(capacity) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  bool full() const { return running_ >= capacity_; }
  // Until one of the coroutines has ended; at once where none runs.
  Task<void> WaitForAnEnd();
  // Starts at once, whatever the capacity says.
  void Spawn(Task<void> task);
  // Until every spawned coroutine has ended.
  Task<void> Wait();

  int64_t running() const { return running_; }

 private:
  const boost::asio::any_io_executor executor_;
  const int64_t capacity_;
  int64_t running_ = 0;
  passnet::Event ended_;
};

}  // namespace passnet::agent
