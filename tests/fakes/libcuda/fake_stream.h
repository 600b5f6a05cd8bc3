// A stream of the stand-in driver: a queue and something beside the process that works it off. As on a device, that goes on
// while the process is stopped, and ends when the process does: it is a process of its own over the same memory
// (clone with CLONE_VM), so what it runs may touch nothing that belongs to a thread. In a jail, where no process may be made,
// everything is done when it is queued.
// Threads: one producer at a time. Owns: the worker and its stack. Errors: Create gives null.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "tests/fakes/libcuda/control.h"

namespace passnet::fakes {

struct FakeOperation {
  enum Kind { kCopy, kSet, kLaunch } kind = kCopy;
  std::byte* to = nullptr;
  const std::byte* from = nullptr;
  size_t bytes = 0;
  unsigned char value = 0;
  void (*run)(void** parameters) = nullptr;
  uint64_t parameters[8] = {};
};

class FakeStream {
 public:
  // `control`: whether the device hangs, and whose turn it is.
  static std::unique_ptr<FakeStream> Create(const FakeCudaControl* control);
  ~FakeStream();

  void Push(const FakeOperation& operation);  // waits while the queue is full
  bool Idle() const { return done_.load() == queued_.load(); }

 private:
  static constexpr size_t kQueue = 1024, kStackBytes = 1 << 16;
  static int Work(void* stream);
  bool DoNext();  // false: nothing to do, or it hangs
  void WorkOff();

  FakeOperation queue_[kQueue];
  std::atomic<uint64_t> queued_{0}, done_{0};
  const FakeCudaControl* control_ = nullptr;
  std::byte* stack_ = nullptr;
  pid_t worker_ = -1;
};

}  // namespace passnet::fakes
