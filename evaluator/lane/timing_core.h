// The exclusive use of a core for timing among all evaluators of a host: a lane that compiles, captures or matches leaves
// the core to others, and whoever times holds it. Two advisory locks, which the kernel lets go of when their holder dies:
// on a file in a folder of the user's own, and on the core's folder in /sys. The latter is root's, so that evaluators of
// every user exclude each other and nobody can put something else in its place; where there is none, the file is all.
// Threads: thread-compatible. Owns: the descriptors; a hold must not outlive its TimingCore.
// Errors: kCancelled, kDeadlineExceeded (somebody held the core for very long), kPermissionDenied (the folder or the file
// is not ours alone, or is no plain file: the text names it and the fix), and of the file itself.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

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

  // Every process that is to keep out of another's way must use the same; other ones than Host() are for tests.
  struct Places {
    std::filesystem::path folder;  // of this user alone; made when missing
    std::filesystem::path cores;   // holds a folder cpuN for each core; may be missing
    static Places Host();
  };
  static Result<TimingCore> Open(int core, const Places& places = Places::Host());

  // Waits until nobody else holds the core. `cancelled` (may be empty) is asked while waiting. Holds of one process nest.
  Result<Hold> Take(Deadline deadline, const std::function<bool()>& cancelled);

  int number() const { return number_; }
  // How long this process has held the core so far, an open hold included.
  std::chrono::nanoseconds Held() const;

 private:
  struct Lock {
    UniqueFd file;
    std::string path;
  };

  explicit TimingCore(int number) : number_(number) {}
  void Leave();
  void Unlock();

  int number_;
  std::vector<Lock> locks_;  // taken in this order by everybody
  int holds_ = 0;
  SteadyTime since_{};  // of the open hold
  std::chrono::nanoseconds held_{0};
};

}  // namespace passnet::evaluator
