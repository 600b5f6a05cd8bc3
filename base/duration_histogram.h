// How long something took, how often: counts of spans up to fixed bounds, for reports of a program's state.
// Threads: thread-safe. Errors: none.
#pragma once

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace passnet {

class DurationHistogram {
 public:
  // `bounds` rise.
  explicit DurationHistogram(std::vector<Nanos> bounds);

  void Add(Nanos span);

  struct Counts {
    std::vector<std::pair<Nanos, int64_t>> at_most;  // by bound, each with all spans up to it
    int64_t all = 0;
    Nanos sum{0};
  };
  Counts Read() const;

 private:
  const std::vector<Nanos> bounds_;
  mutable std::mutex mutex_;
  std::vector<int64_t> counts_;  // of spans above the bound before and up to this one; guarded by mutex_, as all below
  int64_t all_ = 0;
  Nanos sum_{0};
};

}  // namespace passnet
