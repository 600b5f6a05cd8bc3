// The shared regions of a graph's seats, used again from round to round: fresh ones would have to be allocated, cleared and
// faulted in for every process, which costs as much as forking it. What comes back is wiped, so that nothing passes from a
// process to one of a later round.
// Threads: thread-compatible. Owns: the regions that wait. Errors: those of SharedRegion.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "evaluator/lane/shared_region.h"

namespace passnet::evaluator {

struct SeatRegions {
  SharedRegion in, out;
};

class RegionPool {
 public:
  // Regions of these sizes in bytes, all zero.
  Result<SeatRegions> Take(size_t in_bytes, size_t out_bytes);
  // No process that mapped them may still run.
  void GiveBack(SeatRegions regions);

 private:
  std::vector<SeatRegions> waiting_;
};

}  // namespace passnet::evaluator
