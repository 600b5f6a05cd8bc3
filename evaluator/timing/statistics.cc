#include "evaluator/timing/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace passnet::evaluator {
namespace {

// Student's t, two-sided 95 %, by degrees of freedom from 1.
double StudentT(size_t degrees) {
  constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                               2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};
  CHECK(degrees > 0);
  return degrees <= std::size(kTable) ? kTable[degrees - 1] : 2.0;
}

constexpr double kLeastSigma = 0.001;  // chosen: two rounds that happen to agree prove no more

}  // namespace

double Median(std::vector<double> values) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double InterquartileMean(std::vector<double> values) {
  CHECK(!values.empty());
  std::sort(values.begin(), values.end());
  const auto cut = static_cast<std::ptrdiff_t>(values.size() / 4);
  const double sum = std::accumulate(values.begin() + cut, values.end() - cut, 0.0);
  return sum / static_cast<double>(values.size() - 2 * static_cast<size_t>(cut));
}

std::optional<SpeedUp> EstimateSpeedUp(const std::vector<RoundTimes>& rounds) {
  if (rounds.size() < 2) return std::nullopt;
  const auto n = static_cast<double>(rounds.size());
  double speed_up = 0, control = 0, control_squares = 0, eager = 0, contender = 0;
  std::vector<double> each;
  for (const RoundTimes& round : rounds) {
    if (round.reference <= 0 || round.control <= 0 || round.contender <= 0) return std::nullopt;
    const double r = std::log(round.reference), e = std::log(round.control), c = std::log(round.contender);
    each.push_back((r + e) / 2 - c);
    speed_up += each.back() / n;
    control += (r - e) / n;
    control_squares += (r - e) * (r - e);
    eager += (r + e) / 2 / n;
    contender += c / n;
  }
  double squares = 0;
  for (double value : each) squares += (value - speed_up) * (value - speed_up);
  const double pooled = (squares / 1.5 + control_squares / 2) / (2 * n - 1);
  const double sigma = std::sqrt(std::max(pooled, kLeastSigma * kLeastSigma));
  const double own = std::sqrt(squares / (n - 1) / 1.5);
  const double t = StudentT(2 * rounds.size() - 1);
  SpeedUp result;
  result.ratio = std::exp(speed_up);
  result.half_width = t * std::sqrt(1.5 / n) * std::max(sigma, own);
  result.control = std::exp(control);
  result.control_half_width = t * std::sqrt(2 / n) * sigma;
  result.eager_us = std::exp(eager);
  result.contender_us = std::exp(contender);
  return result;
}

}  // namespace passnet::evaluator
