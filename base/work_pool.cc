#include "base/work_pool.h"

#include <pthread.h>

namespace passnet {

WorkPool::WorkPool(const std::string& name, int threads, size_t queue_capacity) : capacity_(queue_capacity) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Serve(); });
    pthread_setname_np(threads_.back().native_handle(), (name + "-" + std::to_string(i)).c_str());
  }
}

WorkPool::~WorkPool() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Status WorkPool::Post(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    if (queue_.size() >= capacity_) {
      return Error{ErrorCode::kOverloaded, "the work queue of " + std::to_string(capacity_) + " entries is full"};
    }
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return OkStatus();
}

void WorkPool::Serve() {
  for (;;) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace passnet
