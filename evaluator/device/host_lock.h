// The exclusive use of a part of this host among all evaluators: a core for timing, a device. Two advisory locks, which the
// kernel lets go of when their holder dies: on a file in a folder of the user's own, and on a folder of the part in /sys. The
// latter is root's, so that evaluators of every user exclude each other and nobody can put something else in its place;
// where there is none, the file is all.
// Threads: thread-compatible. Owns: the descriptors; a hold must not outlive its lock.
// Errors: kCancelled, kDeadlineExceeded (somebody held it for very long), kPermissionDenied (the folder or the file is not
// ours alone, or is no plain file: the text names it and the fix), and of the file itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace passnet::evaluator {

// Of this user alone; every process that is to keep out of another's way must use the same.
std::filesystem::path PrivateLockFolder();

class HostLock {
 public:
  struct Leaver {
    void operator()(HostLock* lock) const { lock->Leave(); }
  };
  // Its end lets go.
  using Hold = std::unique_ptr<HostLock, Leaver>;

  struct Place {
    std::filesystem::path folder;  // of this user alone; made when missing
    std::string file;
    std::filesystem::path of_all;  // a folder that every user can open; may be missing
    std::string what;              // for messages: "timing core 3"
  };
  static Result<HostLock> Open(const Place& place);

  // Waits until nobody else holds it. `cancelled` (may be empty) is asked while waiting. Holds of one process nest.
  Result<Hold> Take(Deadline deadline, const std::function<bool()>& cancelled);

  // How long this process has held it so far, an open hold included.
  std::chrono::nanoseconds Held() const;

 private:
  struct Lock {
    UniqueFd file;
    std::string path;
  };

  explicit HostLock(std::string what) : what_(std::move(what)) {}
  void Leave();
  void Unlock();

  std::string what_;
  std::vector<Lock> locks_;  // taken in this order by everybody
  int holds_ = 0;
  SteadyTime since_{};  // of the open hold
  std::chrono::nanoseconds held_{0};
};

}  // namespace passnet::evaluator
