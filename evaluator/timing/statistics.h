// From the times of fresh processes to a speed-up with its interval.
// Threads: thread-safe, pure.
#pragma once

#include <optional>
#include <vector>

namespace passnet::evaluator {

// Of a non-empty sample; the mean of the middle two for an even count.
double Median(std::vector<double> values);
// The mean of what is left without the lowest and the highest quarter: as deaf to outliers as a sample of a few blocks can
// afford, and less scattered than their median. `values`: at least one.
double InterquartileMean(std::vector<double> values);

// One round: three fresh processes, interleaved. Microseconds a call, each the interquartile mean over its process's blocks; all > 0.
struct RoundTimes {
  double reference = 0;
  double control = 0;    // a second eager process
  double contender = 0;  // a candidate or a baseline
};

struct SpeedUp {
  double ratio = 0;        // eager over contender; geometric means over the rounds
  double half_width = 0;   // of the 95 % interval, relative to the ratio
  double control = 0;      // reference over control: 1 if the measurement is true
  double control_half_width = 0;
  double eager_us = 0;
  double contender_us = 0;
};

// The sample is the round, not the block: what differs between two processes (where their memory lies) is larger than
// what differs within one, and a hundred blocks of one process say nothing about it.
//
// With r, e, c the logs of a round's times: speed-up s = (r + e) / 2 - c, control k = r - e. If a process's own deviation
// is sigma, s has the variance 1.5 sigma^2 and k has 2 sigma^2 around 0, so both tell sigma: with n rounds
// sigma^2 = (sum (s - mean s)^2 / 1.5 + sum k^2 / 2) / (2 n - 1), and the half widths are Student's t of 2 n - 1 degrees
// times sqrt(1.5 / n) sigma and sqrt(2 / n) sigma. Where the contender scatters more than eager, its own spread counts.
// Nothing for fewer than 2 rounds.
std::optional<SpeedUp> EstimateSpeedUp(const std::vector<RoundTimes>& rounds);

}  // namespace passnet::evaluator
