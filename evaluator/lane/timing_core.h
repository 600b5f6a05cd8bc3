// The exclusive use of a core for timing among all evaluators of a host: a lane that compiles, captures or matches leaves
// the core to others, and whoever times holds it. An advisory lock on /tmp/passnet-timing-core-N.lock, which the kernel
// lets go of when its holder dies.
// Threads: thread-compatible. Owns: the descriptor; a hold must not outlive its TimingCore.
// Errors: kCancelled, kDeadlineExceeded (somebody held the core for very long), and of the file itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::evaluator {

class TimingCore {
 public:
  struct Leaver {
    void operator()(TimingCore* core) const { core->Leave(); }
  };
  // Its end lets go of the core.
  using Hold = std::unique_ptr<TimingCore, Leaver>;

  // `folder` is for tests; every process that is to keep out of another's way must use the same.
  static Result<TimingCore> Open(int core, const std::filesystem::path& folder = "/tmp");

  // Waits until nobody else holds the core. `cancelled` (may be empty) is asked while waiting. Holds of one process nest.
  Result<Hold> Take(Deadline deadline, const std::function<bool()>& cancelled);

  int number() const { return number_; }
  // How long this process has held the core so far, an open hold included.
  std::chrono::nanoseconds Held() const;

 private:
  TimingCore(int number, UniqueFd file) : number_(number), file_(std::move(file)) {}
  void Leave();

  int number_;
  UniqueFd file_;
  int holds_ = 0;
  SteadyTime since_{};  // of the open hold
  std::chrono::nanoseconds held_{0};
};

}  // namespace passnet::evaluator
