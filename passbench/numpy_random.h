// numpy.random's legacy RandomState, as far as PassBench draws from it: rand, randn, randint.
// Threads: thread-compatible.
// Source: numpy's stream-compatibility policy (NEP 19): these streams are frozen. Checked against numpy's own values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "passbench/mt19937.h"

namespace passnet::passbench {

class NumpyRandom {
 public:
  explicit NumpyRandom(uint64_t seed) : engine_(seed) {}

  // rand(): 53 random bits in [0, 1).
  double Uniform() {
    const uint32_t high = engine_.Next() >> 5;
    const uint32_t low = engine_.Next() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  // randn(out.size()): Marsaglia's polar method; a value left over from a pair begins the next call's.
  void Normals(std::span<double> out);

  // One value of randint(min, max + 1): masked rejection. min <= max.
  int64_t Between(int64_t min, int64_t max);

 private:
  void NormalPairs(std::span<double> out);
  uint64_t UpTo(uint64_t range);
  uint64_t Next64();

  Mt19937 engine_;
  std::optional<double> kept_;
};

}  // namespace passnet::passbench
