#include "passbench/mt19937.h"

#include <algorithm>

namespace passnet::passbench {
namespace {

constexpr size_t kShift = 397;

uint32_t Twist(uint32_t upper, uint32_t lower) {
  const uint32_t mixed = (upper & 0x80000000u) | (lower & 0x7fffffffu);
  return (mixed >> 1) ^ ((lower & 1u) != 0 ? 0x9908b0dfu : 0u);
}

uint32_t Temper(uint32_t y) {
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

}  // namespace

Mt19937::Mt19937(uint64_t seed) {
  const auto low = static_cast<uint32_t>(seed);
  const auto high = static_cast<uint32_t>(seed >> 32);
  if (high == 0) {
    SeedWith(low);
  } else {
    SeedWithArray({low, high});
  }
}

void Mt19937::SeedWith(uint32_t seed) {
  for (size_t i = 0; i < kSize; ++i) {
    state_[i] = seed;
    seed = 1812433253u * (seed ^ (seed >> 30)) + static_cast<uint32_t>(i) + 1;
  }
}

void Mt19937::SeedWithArray(const std::array<uint32_t, 2>& key) {
  SeedWith(19650218u);
  auto previous = [this](size_t i) { return state_[i - 1] ^ (state_[i - 1] >> 30); };
  auto advance = [this](size_t i) {
    if (i + 1 < kSize) return i + 1;
    state_[0] = state_[kSize - 1];
    return size_t{1};
  };
  size_t i = 1;
  for (size_t k = 0; k < kSize; ++k) {
    const size_t j = k % key.size();
    state_[i] = (state_[i] ^ (previous(i) * 1664525u)) + key[j] + static_cast<uint32_t>(j);
    i = advance(i);
  }
  for (size_t k = 0; k < kSize - 1; ++k) {
    state_[i] = (state_[i] ^ (previous(i) * 1566083941u)) - static_cast<uint32_t>(i);
    i = advance(i);
  }
  state_[0] = 0x80000000u;
}

void Mt19937::Refill() {
  for (size_t i = 0; i < kSize - kShift; ++i) state_[i] = state_[i + kShift] ^ Twist(state_[i], state_[i + 1]);
  for (size_t i = kSize - kShift; i < kSize - 1; ++i) {
    state_[i] = state_[i + kShift - kSize] ^ Twist(state_[i], state_[i + 1]);
  }
  state_[kSize - 1] = state_[kShift - 1] ^ Twist(state_[kSize - 1], state_[0]);
  std::transform(state_.begin(), state_.end(), tempered_.begin(), Temper);
  at_ = 0;
}

}  // namespace passnet::passbench
