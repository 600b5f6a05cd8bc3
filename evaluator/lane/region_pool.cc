#include "evaluator/lane/region_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace passnet::evaluator {

Result<SeatRegions> RegionPool::Take(size_t in_bytes, size_t out_bytes) {
  const auto fits = [&](const SeatRegions& one) { return one.in.size() == in_bytes && one.out.size() == out_bytes; };
  auto found = std::find_if(waiting_.begin(), waiting_.end(), fits);
  if (found != waiting_.end()) {
    SeatRegions regions = std::move(*found);
    waiting_.erase(found);
    return regions;
  }
  SeatRegions regions;
  ASSIGN_OR_RETURN(regions.in, SharedRegion::Create("seat-in", in_bytes));
  ASSIGN_OR_RETURN(regions.out, SharedRegion::Create("seat-out", out_bytes));
  return regions;
}

void RegionPool::GiveBack(SeatRegions regions) {
  for (SharedRegion* region : {&regions.in, &regions.out}) {
    if (region->size() > 0) std::memset(region->data(), 0, region->size());
  }
  waiting_.push_back(std::move(regions));
}

}  // namespace passnet::evaluator
