#include "passbench/tolerances.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace passnet::passbench {
namespace {

struct Slope {
  std::string_view dtype;
  double rtol;  // k: rtol = 10^(t*k)
  double atol;  // m: atol = 10^(t*m)
};

constexpr std::array<Slope, 4> kSlopes{{{"float16", 3.0 / 5, 1},
                                        {"bfloat16", 1.796 / 5, 1},
                                        {"float32", 5.886 / 5, 1},
                                        {"float64", 7.0 / 5, 7.0 / 5}}};

// Upstream reads the values back from three printed digits, so the rounding is part of the protocol.
double ThreeDigits(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return std::strtod(text, nullptr);
}

}  // namespace

std::optional<Tolerance> ToleranceAt(std::string_view dtype, int t) {
  for (const Slope& slope : kSlopes) {
    if (slope.dtype != dtype) continue;
    return Tolerance{ThreeDigits(std::pow(10.0, t * slope.rtol)), ThreeDigits(std::pow(10.0, t * slope.atol))};
  }
  return std::nullopt;
}

std::string CorrectnessKey(std::string_view dtype, int t) {
  auto tolerance = ToleranceAt(dtype, t);
  if (!tolerance) return "[equal]";
  char text[64];
  std::snprintf(text, sizeof text, "[all_close_atol_%.2E_rtol_%.2E]", tolerance->atol, tolerance->rtol);
  return text;
}

ToleranceSet ToleranceSet::All() {
  ToleranceSet set;
  set.bits_.set();
  return set;
}

ToleranceSet ToleranceSet::Of(const std::vector<int>& levels) {
  ToleranceSet set;
  for (int t : levels) set.Add(t);
  return set;
}

void ToleranceSet::Add(int t) {
  if (t >= kMinT && t <= kMaxT) bits_.set(static_cast<size_t>(t - kMinT));
}

bool ToleranceSet::Has(int t) const {
  return t >= kMinT && t <= kMaxT && bits_.test(static_cast<size_t>(t - kMinT));
}

std::vector<int> ToleranceSet::Levels() const {
  std::vector<int> levels;
  for (int t = kMinT; t <= kMaxT; ++t) {
    if (Has(t)) levels.push_back(t);
  }
  return levels;
}

}  // namespace passnet::passbench
