#include "evaluator/timing/statistics.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

double Quantile(const std::vector<double>& sorted, double q) {
  double position = q * static_cast<double>(sorted.size() - 1);
  auto below = static_cast<size_t>(position);
  size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

double Median(std::vector<double> values) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  return Quantile(values, 0.5);
}

double RelativeIqr(std::vector<double> values) {
  if (values.size() < 4) return 0;
  std::sort(values.begin(), values.end());
  double median = Quantile(values, 0.5);
  return median > 0 ? (Quantile(values, 0.75) - Quantile(values, 0.25)) / median : 0;
}

std::optional<RatioEstimate> EstimateRatio(const std::vector<double>& eager, const std::vector<double>& candidate) {
  size_t pairs = std::min(eager.size(), candidate.size());
  if (pairs < 2) return std::nullopt;
  std::vector<double> logs;
  for (size_t i = 0; i < pairs; ++i) {
    if (eager[i] <= 0 || candidate[i] <= 0) continue;
    logs.push_back(std::log(eager[i] / candidate[i]));
  }
  double top = Median(eager), bottom = Median(candidate);
  if (logs.size() < 2 || top <= 0 || bottom <= 0) return std::nullopt;
  double center = Median(logs);
  std::vector<double> deviations;
  for (double value : logs) deviations.push_back(std::abs(value - center));
  double sigma = 1.4826 * Median(deviations);
  return RatioEstimate{top / bottom, 1.96 * 1.2533 * sigma / std::sqrt(static_cast<double>(logs.size()))};
}

}  // namespace passnet::evaluator
