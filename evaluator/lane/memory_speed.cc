#include "evaluator/lane/memory_speed.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>

namespace passnet::evaluator {
namespace {

constexpr uint64_t kFirst = 16u << 10, kSmall = 256u << 10, kMedium = 8u << 20, kLarge = 128u << 20;

template <typename Fn>
double BestBytesPerUs(uint64_t bytes_a_round, int rounds, Fn move) {
  double best = 0;
  for (int i = 0; i < rounds; ++i) {
    auto started = std::chrono::steady_clock::now();
    move();
    double us = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - started).count();
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

double WriteSpeed(uint64_t working_set, int rounds) {
  auto to = std::make_unique<char[]>(working_set);
  std::memset(to.get(), 1, working_set);
  return BestBytesPerUs(working_set, rounds, [&, value = 0]() mutable {
    std::memset(to.get(), ++value, working_set);
    asm volatile("" : : "r"(to.get()) : "memory");
  });
}

}  // namespace

// The level is taken for up to twice its size: a floor must not be too high.
double MemorySpeed::WriteBytesPerUs(uint64_t working_set) const {
  if (working_set <= kFirst * 4) return write_first;
  if (working_set <= kSmall * 4) return write_small;
  return working_set <= kMedium * 4 ? write_medium : write_large;
}

double MemorySpeed::CopyBytesPerUs(uint64_t working_set) const {
  if (working_set <= kSmall * 2) return copy_small;
  return working_set <= kMedium * 2 ? copy_medium : copy_large;
}

MemorySpeed MeasureMemorySpeed() {
  MemorySpeed speed;
  speed.write_first = WriteSpeed(kFirst, 2000);
  speed.write_small = std::min(speed.write_first, WriteSpeed(kSmall, 200));
  speed.write_medium = std::min(speed.write_small, WriteSpeed(kMedium, 12));
  speed.write_large = std::min(speed.write_medium, WriteSpeed(kLarge, 3));
  speed.copy_small = CopySpeed(kSmall, 200);
  speed.copy_medium = CopySpeed(kMedium, 12);
  speed.copy_large = CopySpeed(kLarge, 3);
  return speed;
}

}  // namespace passnet::evaluator
