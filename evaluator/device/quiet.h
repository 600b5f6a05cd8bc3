// Whether anything else is at work on a device while the evaluator is. SIGSTOP stops no kernel, and what others run while eager
// is timed slows eager: a device gives the processes that use it turns, so the evaluator's own work is late beside theirs. Work
// that makes it wait for less than the slack, or that is there only between two looks, is not found out.
// Threads: thread-compatible. Errors: OthersWork.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace passnet::evaluator {

// Beyond this share of late ones a device is not the evaluator's alone; chosen, above what a busy host does.
inline constexpr double kMostLate = 0.2;

struct LateCount {
  int asked = 0, late = 0;

  void Add(bool is_late) {
    ++asked;
    late += is_late ? 1 : 0;
  }
  bool Quiet() const { return late <= kMostLate * asked; }
};

class Quiet {
 public:
  // `slack`: beside twice its usual time; more than a change of context takes, less than another's turn.
  explicit Quiet(std::chrono::microseconds slack) : slack_(slack) {}

  // How long the same piece of work took, several times, while no process of the lane had the device. At least one. False, and
  // nothing is learnt, where that is late beside the best that was learnt so far.
  bool Learn(std::vector<Nanos> alone);
  // False until something was learnt.
  bool IsLate(Nanos took) const { return usual_ && took > MostAfter(*usual_); }

 private:
  Nanos MostAfter(Nanos usual) const { return 2 * usual + slack_; }

  std::chrono::microseconds slack_;
  std::optional<Nanos> usual_, best_;  // medians: the last, and the least
};

// Infrastructure's: somebody works on the device who is none of the lane's. Not kUnavailable, by which a client knows that an
// evaluator ended, and asks who ended it. `how` it shows.
Error OthersWork(const std::string& uuid, const std::string& how);

}  // namespace passnet::evaluator
