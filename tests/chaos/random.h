// Numbers drawn from a text: the same text gives the same numbers on every machine.
// Threads: a value, thread-compatible. Errors: none.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <string_view>

#include "base/sha256.h"

namespace passnet::chaos {

class Random {
 public:
  explicit Random(std::string_view text) {
    const Sha256Digest digest = Sha256Of(text);
    uint64_t seed = 0;
    std::memcpy(&seed, digest.data(), sizeof seed);
    engine_.seed(seed);
  }

  // In [0, count). The standard's distributions differ between libraries; the bias of a remainder does no harm here.
  int64_t Below(int64_t count) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(count)); }
  bool Percent(int percent) { return Below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace passnet::chaos
