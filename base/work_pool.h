// Threads for blocking work (hashing, large JSON, calls of a lane) with a bounded queue, and the way for a coroutine to
// wait for it without blocking the loop.
// Threads: thread-safe. Owns: its threads; the destructor runs what is queued and joins. The threads live as long as
// the pool, so that a process started on one (PR_SET_PDEATHSIG) lives as long too.
// Errors: kOverloaded (the queue is full: nothing was queued).
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/task.h"

namespace passnet {

class WorkPool {
 public:
  // `name` as in docs/threads.md, at most 15 bytes with the thread's number.
  WorkPool(const std::string& name, int threads, size_t queue_capacity);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  Status Post(std::function<void()> work);

 private:
  void Serve();

  const size_t capacity_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool closing_ = false;                     // guarded by mutex_
  std::vector<std::thread> threads_;
};

// Runs `fn`, which returns a Result, on the pool and resumes with its value. What `fn` captures must outlive the pool's
// run of it even when the coroutine is gone: capture by value.
template <typename Fn, typename R = std::invoke_result_t<Fn>>
Task<R> RunBlocking(WorkPool* pool, Fn fn) {
  auto start = [pool, fn = std::move(fn)](auto handler) mutable {
    auto executor = boost::asio::get_associated_executor(handler);
    // std::function wants a copyable callable; handler and fn need not be.
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto finish = [executor, shared, guard = boost::asio::make_work_guard(executor)](R result) {
      boost::asio::post(executor,
                        [shared, result = std::move(result)]() mutable { std::move (*shared)(std::move(result)); });
    };
    auto work = std::make_shared<Fn>(std::move(fn));
    if (auto queued = pool->Post([finish, work] { finish((*work)()); }); !queued) finish(queued.error());
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(R)>(
      std::move(start), boost::asio::use_awaitable);
}

}  // namespace passnet
