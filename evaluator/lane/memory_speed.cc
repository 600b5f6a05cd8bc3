#include "evaluator/lane/memory_speed.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

namespace passnet::evaluator {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kSmall = 256u << 10, kMedium = 8u << 20, kLarge = 128u << 20;

template <typename Fn>
double BestBytesPerUs(uint64_t bytes_a_round, int rounds, Fn move) {
  double best = 0;
  for (int i = 0; i < rounds; ++i) {
    auto started = Clock::now();
    move();
    double us = std::chrono::duration<double, std::micro>(Clock::now() - started).count();
    best = std::max(best, static_cast<double>(bytes_a_round) / std::max(us, 0.01));
  }
  return best;
}

double CopySpeed(uint64_t working_set, int rounds) {
  uint64_t half = working_set / 2;
  auto from = std::make_unique<char[]>(half), to = std::make_unique<char[]>(half);
  std::memset(from.get(), 1, half);
  std::memset(to.get(), 2, half);
  char* source = from.get();
  return BestBytesPerUs(working_set, rounds, [&] {
    std::memcpy(to.get(), source, half);
    asm volatile("" : : "r"(to.get()) : "memory");
  });
}

}  // namespace

double MemorySpeed::CopyBytesPerUs(uint64_t working_set) const {
  if (working_set <= kSmall * 2) return copy_small;
  return working_set <= kMedium * 2 ? copy_medium : copy_large;
}

MemorySpeed MeasureMemorySpeed() {
  MemorySpeed speed;
  auto block = std::make_unique<char[]>(16u << 10);
  speed.write_bytes_per_us = BestBytesPerUs(64 * (16u << 10), 50, [&] {
    for (int i = 0; i < 64; ++i) {
      std::memset(block.get(), i, 16u << 10);
      asm volatile("" : : "r"(block.get()) : "memory");
    }
  });
  speed.copy_small = CopySpeed(kSmall, 200);
  speed.copy_medium = CopySpeed(kMedium, 12);
  speed.copy_large = CopySpeed(kLarge, 3);
  return speed;
}

}  // namespace passnet::evaluator
