#include "base/duration_histogram.h"

#include <algorithm>

namespace passnet {

DurationHistogram::DurationHistogram(std::vector<Nanos> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size()) {}

void DurationHistogram::Add(Nanos span) {
  const auto bound = std::lower_bound(bounds_.begin(), bounds_.end(), span);
  std::lock_guard lock(mutex_);
  if (bound != bounds_.end()) ++counts_[static_cast<size_t>(bound - bounds_.begin())];
  ++all_;
  sum_ += span;
}

DurationHistogram::Counts DurationHistogram::Read() const {
  std::lock_guard lock(mutex_);
  Counts counts;
  int64_t up_to = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    up_to += counts_[i];
    counts.at_most.emplace_back(bounds_[i], up_to);
  }
  counts.all = all_;
  counts.sum = sum_;
  return counts;
}

}  // namespace passnet
