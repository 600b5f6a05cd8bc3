// Memory limits for hosts without control groups: a thread looks every 20 ms at how much memory each process holds and
// kills the one that is beyond its limit. Hostile code can overshoot between two looks.
// Counted is what a process holds beyond what it was born with: private memory, shared memory that it has mapped, swap and
// page tables. Pages that it shares with its parent until one of them writes are counted as the parent's.
// Threads: thread-safe. Start makes one thread, pinned to the cores it is given; the destructor joins it.
// Owns: a copy of each pidfd. Errors: of pidfds and of /proc.
// Source: proc_pid_status(5), pidfd_send_signal(2).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::sandbox {

// What a process holds, by the text of its /proc/PID/status; 0 for one that has ended.
uint64_t HeldMemory(std::string_view status);

// Whether its first thread has ended while others go on: nothing is told of its memory then, though it holds some.
bool LostItsFirstThread(std::string_view status);

// One process under watch. The watch ends with the last handle.
class WatchedMemory {
 public:
  // `pid` is in our pid namespace and stands for the same process as `pidfd`, which is copied.
  static Result<std::shared_ptr<WatchedMemory>> Of(pid_t pid, int pidfd, uint64_t limit_bytes);

  // More that it may hold from now on: shared memory that was given to it.
  void Grant(uint64_t bytes) { limit_ += bytes; }
  bool killed() const { return killed_; }

  // A look, and the kill when it is beyond, or when what it holds cannot be seen any more.
  void Look();

 private:
  WatchedMemory(UniqueFd status, UniqueFd pidfd) : status_(std::move(status)), pidfd_(std::move(pidfd)) {}
  std::string ReadStatus() const;

  UniqueFd status_;  // kept open: it can never come to stand for another process with the same number
  UniqueFd pidfd_;
  uint64_t born_with_ = 0;
  std::atomic<uint64_t> limit_ = 0;
  std::atomic<bool> killed_ = false;
};

class MemoryWatch {
 public:
  // Empty `cores`: wherever the caller may run.
  static std::shared_ptr<MemoryWatch> Start(const std::vector<int>& cores);
  ~MemoryWatch();
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;

  void Add(std::weak_ptr<WatchedMemory> watched);

 private:
  MemoryWatch() = default;
  void Run(const std::vector<int>& cores);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::weak_ptr<WatchedMemory>> watched_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace passnet::sandbox
