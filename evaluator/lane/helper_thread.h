// A thread on the other cores: one draws inputs and compares outputs, another makes the next round's processes. They work
// beside everything but a timed block: cores share memory and caches, and what is timed beside a helper's copying scatters
// twice as much.
// Threads: Post and AwaitIdle from one thread. Owns: the thread; the destructor runs what is queued and joins.
// Errors: none of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace passnet::evaluator {

class HelperThread {
 public:
  // `cores`: where it runs, whatever the thread that makes it is pinned to.
  HelperThread(const char* name, std::vector<int> cores);
  ~HelperThread();
  HelperThread(const HelperThread&) = delete;
  HelperThread& operator=(const HelperThread&) = delete;

  // Runs after everything that was posted before.
  template <typename Fn, typename R = std::invoke_result_t<Fn>>
  std::future<R> Post(Fn fn) {
    auto task = std::make_shared<std::packaged_task<R()>>(std::move(fn));
    std::future<R> result = task->get_future();
    Queue([task] { (*task)(); });
    return result;
  }

  // Until all that was posted has run.
  void AwaitIdle() {
    Post([] {}).wait();
  }

 private:
  void Queue(std::function<void()> work);
  void Serve(const char* name, const std::vector<int>& cores);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool closing_ = false;                     // guarded by mutex_
  std::thread thread_;
};

}  // namespace passnet::evaluator
