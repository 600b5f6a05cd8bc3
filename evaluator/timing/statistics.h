// Medians and the interval of a ratio, from interleaved blocks.
// Threads: thread-safe, pure.
#pragma once

#include <optional>
#include <vector>

namespace passnet::evaluator {

// Of a non-empty sample; the mean of the middle two for an even count.
double Median(std::vector<double> values);

// (third quartile - first quartile) / median, as upstream's fluctuation gate (docs/measuring.md); 0 for fewer than 4.
double RelativeIqr(std::vector<double> values);

struct RatioEstimate {
  double ratio = 0;       // median(eager) / median(candidate)
  double half_width = 0;  // of the 95 % interval, relative to the ratio
};

// `eager[i]` and `candidate[i]` are neighbours in time, in microseconds a call, with the null block's cost taken off.
// The interval is that of the median of the pairwise log ratios: 1.96 * 1.2533 * sigma / sqrt(n), sigma from the median
// absolute deviation (1.4826 * MAD), so that one disturbed block does not widen it. Needs at least 2 pairs, all > 0.
std::optional<RatioEstimate> EstimateRatio(const std::vector<double>& eager, const std::vector<double>& candidate);

}  // namespace passnet::evaluator
