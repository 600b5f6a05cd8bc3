// A clock for one lap and the quantiles of a sample.
// Threads: a Lap is thread-compatible, the functions are pure. Errors: none; of an empty sample everything is NaN.
#pragma once

#include <chrono>
#include <vector>

#include "base/clock.h"

namespace passnet::bench {

class Lap {
 public:
  double Ms() const { return std::chrono::duration<double, std::milli>(Clock::System().Now() - since_).count(); }

 private:
  SteadyTime since_ = Clock::System().Now();
};

// The value below which the share `q` of the sample lies, without interpolation: a value that was measured.
double Quantile(std::vector<double> values, double q);

double Mean(const std::vector<double>& values);

}  // namespace passnet::bench
