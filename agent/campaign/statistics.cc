#include "agent/campaign/statistics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

namespace passnet::agent {
namespace {

constexpr uint64_t kSeed = 20260131;  // chosen once: an interval is to be the same wherever it is computed

std::optional<double> MeanOf(const Cluster& total, Scale scale) {
  if (!(total.weight > 0)) return std::nullopt;
  const double mean = total.sum / total.weight;
  return scale == Scale::kLog ? std::exp(mean) : mean;
}

void AddTo(const Cluster& one, Cluster* total) {
  total->sum += one.sum;
  total->weight += one.weight;
}

// Not std::uniform_int_distribution: what that draws differs between standard libraries.
size_t Draw(std::mt19937_64* random, size_t count) {
  const double uniform = static_cast<double>((*random)() >> 11) * 0x1.0p-53;
  return static_cast<size_t>(uniform * static_cast<double>(count));
}

// Between the two neighbours; `sorted` is not empty.
double Percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double rest = place - static_cast<double>(below);
  if (rest == 0 || sorted[below] == sorted[above]) return sorted[below];
  return sorted[below] + rest * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<Interval> MeanOverTasks(const std::vector<Cluster>& tasks, Scale scale) {
  Cluster total;
  for (const Cluster& task : tasks) AddTo(task, &total);
  auto mean = MeanOf(total, scale);
  if (!mean) return std::nullopt;
  Interval interval{*mean, std::nullopt, std::nullopt};
  if (tasks.size() < 2) return interval;
  std::mt19937_64 random(kSeed);
  std::vector<double> means;
  means.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    Cluster drawn;
    for (size_t j = 0; j < tasks.size(); ++j) AddTo(tasks[Draw(&random, tasks.size())], &drawn);
    // A draw of tasks without weight says nothing.
    if (auto value = MeanOf(drawn, scale)) means.push_back(*value);
  }
  if (means.empty()) return interval;
  std::sort(means.begin(), means.end());
  interval.low = Percentile(means, (1 - kConfidence) / 2);
  interval.high = Percentile(means, (1 + kConfidence) / 2);
  return interval;
}

double PassAtK(int64_t n, int64_t c, int64_t k) {
  if (n - c < k) return 1;
  // C(n-c,k) / C(n,k) as a product of ratios: no factorial overflows.
  double none = 1;
  for (int64_t i = n - c + 1; i <= n; ++i) none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

double BestAtK(std::vector<double> values, int64_t k) {
  std::sort(values.begin(), values.end(), std::greater<>());
  const auto n = static_cast<int64_t>(values.size());
  // The largest is among the k with probability k/n; each next one is the maximum when none above it was drawn.
  double chance = static_cast<double>(k) / static_cast<double>(n);
  double expected = 0;
  for (int64_t i = 0; i <= n - k; ++i) {
    expected += chance * values[static_cast<size_t>(i)];
    if (i < n - k) chance *= static_cast<double>(n - k - i) / static_cast<double>(n - 1 - i);
  }
  return expected;
}

std::vector<int64_t> StepsOfK(int64_t samples) {
  std::vector<int64_t> steps;
  for (int64_t k = 1; k < samples; k *= 2) steps.push_back(k);
  steps.push_back(samples);
  return steps;
}

double HalfWidthOfMean(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (double value : values) sum += value;
  double squares = 0;
  for (double value : values) squares += (value - sum / n) * (value - sum / n);
  const double half = 1.96 * std::sqrt(squares / (n - 1) / n);
  return std::isfinite(half) ? half : 0;
}

}  // namespace passnet::agent
