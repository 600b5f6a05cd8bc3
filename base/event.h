// A wake-up on the loop thread: coroutines wait until somebody says that what they wait for may have come about. As
// with a condition variable, who is woken looks again, in a loop.
// Threads: loop-only. Ownership: the waiting coroutines keep what they need; the event may go first, and wakes nobody
// then.
// Errors: none.
#pragma once

#include <memory>
#include <stop_token>

#include "base/task.h"

namespace passnet {

class Event {
 public:
  Event();
  // Until the next NotifyAll or the stop, whichever is first; at once when the stop was requested before.
  Task<void> Wait(std::stop_token stop);
  // Wakes all who wait now, in the order in which they came.
  void NotifyAll();

 private:
  struct Waiting;
  std::shared_ptr<Waiting> waiting_;
};

}  // namespace passnet
