#include "passbench/numpy_random.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace passnet::passbench {
namespace {

constexpr size_t kPairs = 512;  // chosen: a batch's arrays stay in the first-level cache

}  // namespace

void NumpyRandom::Normals(std::span<double> out) {
  if (out.empty()) return;
  if (kept_) {
    out.front() = *std::exchange(kept_, std::nullopt);
    out = out.subspan(1);
  }
  const size_t even = out.size() / 2 * 2;
  NormalPairs(out.first(even));
  if (out.size() == even) return;
  std::array<double, 2> last;
  NormalPairs(last);
  out.back() = last[0];
  kept_ = last[1];
}

// In batches and without a branch on what is rejected: a mispredicted branch costs more than a pair. A batch tries no
// more pairs than are still wanted, so that the stream stays where one pair at a time would leave it.
void NumpyRandom::NormalPairs(std::span<double> out) {
  std::array<double, kPairs> x1;
  std::array<double, kPairs> x2;
  std::array<double, kPairs> r2;
  while (!out.empty()) {
    const size_t wanted = std::min(kPairs, out.size() / 2);
    size_t accepted = 0;
    for (size_t i = 0; i < wanted; ++i) {
      const double a = 2.0 * Uniform() - 1.0;
      const double b = 2.0 * Uniform() - 1.0;
      const double square = a * a + b * b;
      x1[accepted] = a;
      x2[accepted] = b;
      r2[accepted] = square;
      accepted += static_cast<size_t>(square < 1.0) & static_cast<size_t>(square != 0.0);
    }
    for (size_t i = 0; i < accepted; ++i) {
      const double factor = std::sqrt(-2.0 * std::log(r2[i]) / r2[i]);
      out[2 * i] = factor * x2[i];
      out[2 * i + 1] = factor * x1[i];
    }
    out = out.subspan(2 * accepted);
  }
}

int64_t NumpyRandom::Between(int64_t min, int64_t max) {
  const uint64_t range = static_cast<uint64_t>(max) - static_cast<uint64_t>(min);
  return static_cast<int64_t>(static_cast<uint64_t>(min) + UpTo(range));
}

// 0..range, both inclusive.
uint64_t NumpyRandom::UpTo(uint64_t range) {
  if (range == 0) return 0;
  const bool narrow = range <= 0xffffffffu;
  const uint64_t mask = ~uint64_t{0} >> __builtin_clzll(range);
  uint64_t value;
  do {
    value = (narrow ? engine_.Next() : Next64()) & mask;
  } while (value > range);
  return value;
}

uint64_t NumpyRandom::Next64() {
  const uint64_t high = engine_.Next();
  return high << 32 | engine_.Next();
}

}  // namespace passnet::passbench
