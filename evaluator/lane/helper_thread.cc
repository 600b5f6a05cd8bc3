#include "evaluator/lane/helper_thread.h"

#include <pthread.h>

#include "evaluator/lane/side.h"

namespace passnet::evaluator {

HelperThread::HelperThread(const char* name, std::vector<int> cores)
    : thread_([this, name, cores = std::move(cores)] { Serve(name, cores); }) {}

HelperThread::~HelperThread() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void HelperThread::Queue(std::function<void()> work) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
}

void HelperThread::Serve(const char* name, const std::vector<int>& cores) {
  ::pthread_setname_np(::pthread_self(), name);
  // A thread that stays on the timing core only disturbs: the control figure then shows it.
  (void)PinToCores(cores);
  while (true) {
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

}  // namespace passnet::evaluator
