// Figures over tasks that were sampled several times, with intervals. Everything is a mean over tasks, a task being one
// cluster: its samples share graphs, difficulty and measuring conditions, so they are drawn together or not at all.
// Threads: pure functions; the draws are seeded, so the same data has the same interval everywhere. Errors: none.
// Source: pass@k: Chen et al. 2021, arXiv 2107.03374, section 2.1, the unbiased estimator 1 - C(n-c,k)/C(n,k). best@k:
// the expected maximum of k samples drawn without replacement, by the same counting. Intervals: percentile bootstrap
// over clusters, Efron and Tibshirani 1993, chapters 8 and 13.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace passnet::agent {

inline constexpr int kResamples = 2000;
inline constexpr double kConfidence = 0.95;

struct Interval {
  double value = 0;
  std::optional<double> low;  // absent with fewer than two tasks
  std::optional<double> high;
};

// What one task adds to a mean: the value is the sum of sums over the sum of weights.
struct Cluster {
  double sum = 0;
  double weight = 0;
};

enum class Scale {
  kLinear,
  kLog,  // sums of logarithms: the value is a geometric mean
};

// Absent when nothing has weight.
std::optional<Interval> MeanOverTasks(const std::vector<Cluster>& tasks, Scale scale);

// The probability that one of k samples is solved, from n samples of which c are. n >= k >= 1, n >= c.
double PassAtK(int64_t n, int64_t c, int64_t k);

// The expected largest of k of the values. values.size() >= k >= 1. -inf may be among them.
double BestAtK(std::vector<double> values, int64_t k);

// 1, 2, 4, … up to `samples`, and that itself.
std::vector<int64_t> StepsOfK(int64_t samples);

// 1.96 standard errors of the values' mean; 0 for fewer than two values, or when one is not finite.
double HalfWidthOfMean(const std::vector<double>& values);

}  // namespace passnet::agent
