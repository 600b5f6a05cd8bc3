// The tolerance levels t of PassBench: what "close" means for each element type, and the log keys that name it.
// Threads: immutable values, thread-safe functions. Errors: none.
// Source: docs/passbench.md, section 6: rtol = 10^(t*k), atol = 10^(t*m), rounded to three significant digits.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passnet::passbench {

inline constexpr int kMinT = -10;
inline constexpr int kMaxT = 5;         // 5 is reached by the extended interpretation only
inline constexpr int kDefaultMaxT = 4;

struct Tolerance {
  double rtol = 0;
  double atol = 0;
};

// `dtype` by torch's name without "torch."; empty for every type that is compared for equality (integers, bool, …).
std::optional<Tolerance> ToleranceAt(std::string_view dtype, int t);

// "[all_close_atol_1.00E-05_rtol_1.30E-06]", or "[equal]" for types without tolerance: as upstream's log prints it.
std::string CorrectnessKey(std::string_view dtype, int t);

// A subset of the levels kMinT..kMaxT, both inclusive. Levels outside are never members and adding them is ignored.
class ToleranceSet {
 public:
  ToleranceSet() = default;
  static ToleranceSet All();
  static ToleranceSet Of(const std::vector<int>& levels);

  void Add(int t);
  bool Has(int t) const;
  // Ascending.
  std::vector<int> Levels() const;
  friend ToleranceSet operator&(ToleranceSet a, const ToleranceSet& b) {
    a.bits_ &= b.bits_;
    return a;
  }
  friend bool operator==(const ToleranceSet&, const ToleranceSet&) = default;

 private:
  std::bitset<kMaxT - kMinT + 1> bits_;
};

}  // namespace passnet::passbench
