// The exclusive use of a core for timing among all evaluators of a host: a lane that compiles, captures or matches leaves
// the core to others, and whoever times holds it.
// Threads: thread-compatible. Owns: the lock; a hold must not outlive its TimingCore. Errors: those of HostLock.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "evaluator/device/host_lock.h"

namespace passnet::evaluator {

// How long it is waited for: another evaluator may be measuring a graph of a minute a call.
inline constexpr std::chrono::minutes kCoreLimit{60};

class TimingCore {
 public:
  using Hold = HostLock::Hold;

  // Every process that is to keep out of another's way must use the same; other ones than Host() are for tests.
  struct Places {
    std::filesystem::path folder;  // of this user alone; made when missing
    std::filesystem::path cores;   // holds a folder cpuN for each core; may be missing
    static Places Host() { return {PrivateLockFolder(), "/sys/devices/system/cpu"}; }
  };
  static Result<TimingCore> Open(int core, const Places& places = Places::Host());

  // Waits until nobody else holds the core. `cancelled` (may be empty) is asked while waiting. Holds of one process nest.
  Result<Hold> Take(Deadline deadline, const std::function<bool()>& cancelled) { return lock_.Take(deadline, cancelled); }

  int number() const { return number_; }
  // How long this process has held the core so far, an open hold included.
  std::chrono::nanoseconds Held() const { return lock_.Held(); }

 private:
  TimingCore(int number, HostLock lock) : number_(number), lock_(std::move(lock)) {}

  int number_;
  HostLock lock_;
};

}  // namespace passnet::evaluator
