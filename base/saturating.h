// Sums of counts that came from elsewhere: at the edge of the range they stay there instead of turning negative.
// Threads: pure functions. Errors: none.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

namespace passnet {

constexpr int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<int64_t>::min() : std::numeric_limits<int64_t>::max();
}

// The nearest whole number above; NaN counts as the largest, since no sum of money may come out too small.
inline int64_t SaturatingCeil(double value) {
  constexpr double kEdge = 9223372036854775808.0;  // 2^63
  if (std::isnan(value) || value >= kEdge) return std::numeric_limits<int64_t>::max();
  if (value < -kEdge) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(std::ceil(value));
}

}  // namespace passnet
