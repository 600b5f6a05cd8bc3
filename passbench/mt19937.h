// The Mersenne Twister that numpy's legacy generator and torch's CPU generator share, with numpy's two ways of seeding.
// Threads: thread-compatible.
// Source: Matsumoto and Nishimura, ACM TOMACS 8 (1998), and their reference mt19937ar.c (init_genrand, init_by_array).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace passnet::passbench {

class Mt19937 {
 public:
  // Below 2^32 as numpy.random.seed(integer) and torch.manual_seed; above, as numpy.random.seed([low, high]), so that
  // all 64 bits count.
  explicit Mt19937(uint64_t seed);

  uint32_t Next() {
    if (at_ == kSize) Refill();
    return tempered_[at_++];
  }

 private:
  static constexpr size_t kSize = 624;

  void SeedWith(uint32_t seed);
  void SeedWithArray(const std::array<uint32_t, 2>& key);
  void Refill();

  std::array<uint32_t, kSize> state_{};
  std::array<uint32_t, kSize> tempered_{};
  size_t at_ = kSize;
};

}  // namespace passnet::passbench
