// Comparing two outputs at all tolerance levels beside reading both once, in one run: 16 MiB a side, which no cache
// between the core and the memory holds together. For each type a side that differs by rounding errors everywhere; of
// float32 also one that is equal, and one that is not close at any level.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "bench/bench_main.h"
#include "bench/samples.h"
#include "evaluator/compare/compare.h"
#include "passbench/tolerances.h"

namespace passnet::bench {
namespace {

constexpr size_t kBytes = 16u << 20;
constexpr int kLevels = passbench::kMaxT - passbench::kMinT + 1;

// c10::ScalarType's numbers and the names that tolerances go by.
struct Type {
  const char* name;
  int scalar_type;
  size_t bytes;
};
constexpr Type kTypes[] = {{"float32", 6, 4}, {"float64", 7, 8}, {"float16", 5, 2}, {"bfloat16", 15, 2}, {"int64", 4, 8}};

using Words = std::vector<uint64_t>;

struct Sides {
  Words expected, actual;
};

// Values of every exponent around 1, the low bits of `actual` changed by `low_bits` of them. 0: equal.
Sides MakeSides(const Type& type, uint64_t low_bits) {
  Sides sides{Words(kBytes / 8), Words(kBytes / 8)};
  uint64_t state = 88172645463325252u;
  auto next = [&] { return state ^= state << 13, state ^= state >> 7, state ^= state << 17; };
  auto* expected = reinterpret_cast<unsigned char*>(sides.expected.data());
  auto* actual = reinterpret_cast<unsigned char*>(sides.actual.data());
  for (size_t at = 0; at < kBytes; at += type.bytes) {
    uint64_t bits = next();
    // Sign 0 and an exponent just below that of 1: the type's own 0x3f8 or 0x3c0 with three low bits free.
    if (type.scalar_type == 6) bits = (bits & 0x80ffffffu) | 0x3f000000u;
    if (type.scalar_type == 7) bits = (bits & 0x800fffffffffffffu) | 0x3fe0000000000000u;
    if (type.scalar_type == 5) bits = (bits & 0x83ffu) | 0x3800u;
    if (type.scalar_type == 15) bits = (bits & 0x80ffu) | 0x3f00u;
    const uint64_t changed = bits ^ (next() & low_bits);
    std::memcpy(expected + at, &bits, type.bytes);
    std::memcpy(actual + at, &changed, type.bytes);
  }
  return sides;
}

double ReadOnce(const Sides& sides) {
  Lap lap;
  uint64_t sum = 0;
  for (size_t i = 0; i < sides.expected.size(); ++i) sum += sides.expected[i] ^ sides.actual[i];
  asm volatile("" : : "r"(sum));  // the sum is wanted: the loop may not go away
  return lap.Ms();
}

double CompareOnce(const Type& type, const Sides& sides) {
  double rtol[kLevels] = {}, atol[kLevels] = {};
  for (int t = passbench::kMinT; t <= passbench::kMaxT; ++t) {
    const auto tolerance = passbench::ToleranceAt(type.name, t);
    if (!tolerance) continue;
    rtol[t - passbench::kMinT] = tolerance->rtol;
    atol[t - passbench::kMinT] = tolerance->atol;
  }
  const PnCompareInput input{sides.expected.data(), sides.actual.data(), type.scalar_type, kLevels,
                             static_cast<int64_t>(kBytes / type.bytes), rtol, atol};
  PnCompareOutput output{};
  Lap lap;
  if (pn_compare(&input, &output) != 0) return std::nan("");
  return lap.Ms();
}

// Of neighbours in time: what else the machine does meets both.
double RatioToRead(const Type& type, const Sides& sides, int rounds) {
  std::vector<double> ratios;
  ReadOnce(sides);
  for (int round = 0; round < rounds; ++round) {
    const double read = ReadOnce(sides);
    ratios.push_back(CompareOnce(type, sides) / read);
  }
  return Quantile(ratios, 0.5);
}

Result<BenchReport> Measure(int rounds) {
  BenchReport report("compare");
  double worst = 0;
  for (const Type& type : kTypes) {
    const double ratio = RatioToRead(type, MakeSides(type, type.scalar_type == 4 ? 0 : 3), rounds);
    report.Add(std::string("ratio_") + type.name, ratio);
    worst = std::max(worst, ratio);
  }
  const Type& float32 = kTypes[0];
  report.Add("ratio_float32_equal", RatioToRead(float32, MakeSides(float32, 0), rounds));
  report.Add("ratio_float32_wrong", RatioToRead(float32, MakeSides(float32, 0x80ffffff), rounds));
  report.Add("ratio_to_read", worst);
  report.Goal("ratio_to_read", "max", 3);
  report.Add("read_gib_per_s", 2 * kBytes / 1073741824.0 / (ReadOnce(MakeSides(float32, 0)) / 1000));
  return report;
}

}  // namespace
}  // namespace passnet::bench

int main(int argc, char** argv) {
  int rounds = 31;
  return passnet::bench::Main("compare", "Comparing two outputs at all tolerances beside reading both once",
                              {passnet::bench::CountOption("--rounds", "of each case", &rounds)},
                              [&] { return passnet::bench::Measure(rounds); }, argc, argv);
}
