#include "evaluator/compare/compare.h"

#include <ATen/ATen.h>
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

namespace {

constexpr int64_t kChunk = 2048;  // elements: both sides, widened, stay in a level 1 cache of 32 KiB
constexpr int64_t kRun = 64;      // elements looked at one by one when one of them may be too far off

template <typename Stored>
bool SameBytes(const Stored* expected, const Stored* actual, int64_t count) {
  return std::memcmp(expected, actual, static_cast<size_t>(count) * sizeof *expected) == 0;
}

// How a dtype's values and its arithmetic look: Stored are the bits in memory, Real is what ATen computes in, Round gives
// back what it stores. kMagnitude masks the sign off, kInfinity are infinity's bits.
struct Float32 {
  using Stored = int32_t;
  using Real = float;
  using RealBits = int32_t;
  static constexpr Stored kMagnitude = 0x7fffffff, kInfinity = 0x7f800000;
  static Real Round(Real x) { return x; }
  static constexpr Real kSlack = 0;  // results are not rounded again
  static constexpr Real kSureError = std::numeric_limits<float>::max();
};
struct Float64 {
  using Stored = int64_t;
  using Real = double;
  using RealBits = int64_t;
  static constexpr Stored kMagnitude = 0x7fffffffffffffff, kInfinity = 0x7ff0000000000000;
  static Real Round(Real x) { return x; }
  static constexpr Real kSlack = 0;
  static constexpr Real kSureError = std::numeric_limits<double>::max();
};
struct Float16 {
  using Stored = uint16_t;
  using Real = float;
  using RealBits = int32_t;
  static constexpr Stored kMagnitude = 0x7fff, kInfinity = 0x7c00;
  static Real Round(Real x) { return static_cast<float>(c10::Half(x)); }
  static constexpr Real kSlack = 0x1p-9f;  // four roundings of half an ulp (2^-11) each, with room
  static constexpr Real kSureError = 65000;  // a larger difference may round to infinity, which is never close

  static void Widen(const Stored* from, Real* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(c10::Half(from[i], c10::Half::from_bits()));
  }
  [[gnu::target("avx2,f16c"), gnu::always_inline]] static inline void WidenWithAvx2(const Stored* from, Real* to,
                                                                                    int64_t count) {
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
      const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
    }
    Widen(from + i, to + i, count - i);
  }
};
struct BFloat16 {
  using Stored = uint16_t;
  using Real = float;
  using RealBits = int32_t;
  static constexpr Stored kMagnitude = 0x7fff, kInfinity = 0x7f80;
  static Real Round(Real x) { return static_cast<float>(c10::BFloat16(x)); }
  static constexpr Real kSlack = 0x1p-6f;
  static constexpr Real kSureError = 3e38f;

  [[gnu::always_inline]] static inline void Widen(const Stored* from, Real* to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = __builtin_bit_cast(float, static_cast<uint32_t>(from[i]) << 16);
  }
  [[gnu::always_inline]] static inline void WidenWithAvx2(const Stored* from, Real* to, int64_t count) {
    Widen(from, to, count);
  }
};

template <typename T>
bool Close(typename T::Real expected, typename T::Real actual, double rtol, double atol) {
  using Real = typename T::Real;
  if (expected == actual) return true;
  Real error = T::Round(std::abs(T::Round(expected - actual)));
  Real scaled = std::abs(T::Round(static_cast<Real>(rtol) * actual));
  Real allowed = T::Round(static_cast<Real>(atol) + scaled);
  return std::isfinite(error) && error <= allowed;
}

// What one look at a run of elements tells.
template <typename Real>
struct Look {
  Real largest = 0;  // of the finite differences
  bool unequal = false;
  bool endless = false;  // some element is NaN or infinite, and the other side's is not equal to it
  bool unsure = false;   // some element is not close by a bound that needs no rounding
};

// The tolerance that makes an element surely close: of the types that round their results a little less than is allowed.
template <typename T>
struct Sure {
  typename T::Real relative, absolute;
};

// Every loop below is compiled twice, once for any x86-64 and once for AVX2 (target attributes, chosen at run time): the
// arithmetic and hence the results are the same, none of it may be fused or reordered.
template <typename T>
[[gnu::always_inline]] inline Look<typename T::Real> LookAt(const typename T::Real* expected,
                                                            const typename T::Real* actual, int64_t count,
                                                            Sure<T> sure) {
  using Real = typename T::Real;
  using Bits = typename T::RealBits;
  // Bits as wide as the values, so that a loop keeps to one width. Finite differences are ordered as their bits are.
  Bits largest = 0, all_same = ~Bits{0}, all_ended = ~Bits{0}, all_close = ~Bits{0};
  for (int64_t i = 0; i < count; ++i) {
    const Real e = expected[i], a = actual[i];
    const Real error = std::abs(e - a);
    const Real allowed = sure.absolute + sure.relative * std::abs(a);
    // An infinite difference is not close, though everything is allowed; NaN is not below anything.
    const Real bound = allowed < T::kSureError ? allowed : T::kSureError;
    const Bits same = -static_cast<Bits>(e == a);
    const Bits finite = -static_cast<Bits>(error <= std::numeric_limits<Real>::max());
    const Bits bits = __builtin_bit_cast(Bits, error) & finite;
    largest = bits > largest ? bits : largest;
    all_same &= same;
    all_ended &= same | finite;
    all_close &= same | -static_cast<Bits>(error <= bound);
  }
  return {__builtin_bit_cast(Real, largest), all_same == 0, all_ended == 0, all_close == 0};
}

template <typename Stored>
[[gnu::always_inline]] inline bool AnyNan(const Stored* values, int64_t count, Stored magnitude, Stored infinity) {
  Stored nan = 0;
  for (int64_t i = 0; i < count; ++i) nan |= static_cast<Stored>(-static_cast<Stored>((values[i] & magnitude) > infinity));
  return nan != 0;
}

// Whether values are computed in a wider type than they are stored in.
template <typename T>
constexpr bool kWidened = sizeof(typename T::Stored) < sizeof(typename T::Real);

// The loops over a type's elements.
template <typename T>
struct Loops {
  using Stored = typename T::Stored;
  using Real = typename T::Real;
  void (*widen)(const Stored*, Real*, int64_t);
  bool (*has_nan)(const Stored*, int64_t);
  Look<Real> (*look)(const Real*, const Real*, int64_t, Sure<T>);
};

template <typename T>
struct Anywhere {
  static void Widen(const typename T::Stored* from, typename T::Real* to, int64_t count) {
    if constexpr (kWidened<T>) T::Widen(from, to, count);
  }
  static bool HasNan(const typename T::Stored* values, int64_t count) {
    return AnyNan(values, count, T::kMagnitude, T::kInfinity);
  }
  static Look<typename T::Real> LookOver(const typename T::Real* expected, const typename T::Real* actual, int64_t count,
                                         Sure<T> sure) {
    return LookAt<T>(expected, actual, count, sure);
  }
};

template <typename T>
struct WithAvx2 {
  [[gnu::target("avx2,f16c")]] static void Widen(const typename T::Stored* from, typename T::Real* to, int64_t count) {
    if constexpr (kWidened<T>) T::WidenWithAvx2(from, to, count);
  }
  [[gnu::target("avx2,f16c")]] static bool HasNan(const typename T::Stored* values, int64_t count) {
    return AnyNan(values, count, T::kMagnitude, T::kInfinity);
  }
  [[gnu::target("avx2,f16c")]] static Look<typename T::Real> LookOver(const typename T::Real* expected,
                                                                      const typename T::Real* actual, int64_t count,
                                                                      Sure<T> sure) {
    return LookAt<T>(expected, actual, count, sure);
  }
};

template <typename T>
Loops<T> ChooseLoops() {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  if (avx2) return {WithAvx2<T>::Widen, WithAvx2<T>::HasNan, WithAvx2<T>::LookOver};
  return {Anywhere<T>::Widen, Anywhere<T>::HasNan, Anywhere<T>::LookOver};
}

template <typename T>
class Sweep {
 public:
  Sweep(const PnCompareInput& in, PnCompareOutput& out) : in_(in), out_(out) {}

  void Run() {
    const auto* expected = static_cast<const Stored*>(in_.expected);
    const auto* actual = static_cast<const Stored*>(in_.actual);
    for (int64_t begin = 0; begin < in_.count; begin += kChunk) {
      const int64_t count = std::min(kChunk, in_.count - begin);
      const bool same = SameBytes(expected + begin, actual + begin, count);
      if (!same) out_.bitwise_equal = 0;
      if (!same || loops_.has_nan(expected + begin, count)) Chunk(begin, Widened(expected + begin, expected_, count),
                                                                  Widened(actual + begin, actual_, count), count);
    }
  }

 private:
  using Stored = typename T::Stored;
  using Real = typename T::Real;
  using Buffer = std::array<Real, kChunk>;

  const Real* Widened(const Stored* from, Buffer& buffer, int64_t count) {
    if constexpr (!kWidened<T>) return reinterpret_cast<const Real*>(from);
    loops_.widen(from, buffer.data(), count);
    return buffer.data();
  }

  void Chunk(int64_t begin, const Real* expected, const Real* actual, int64_t count) {
    const Look<Real> seen = loops_.look(expected, actual, count, SureNow());
    out_.max_abs_diff = std::max(out_.max_abs_diff, static_cast<double>(seen.largest));
    if (seen.unequal) out_.equal = 0;
    for (int64_t i = 0; seen.endless && out_.nonfinite_mismatch == 0 && i < count; ++i) {
      if (Mismatch(expected[i], actual[i])) out_.nonfinite_mismatch = 1;
    }
    if (!seen.unsure) return;
    // Few elements decide: only runs that hold one are looked at one by one.
    for (int64_t at = 0; at < count && out_.tightest < in_.tolerances; at += kRun) {
      const int64_t length = std::min(kRun, count - at);
      if (!loops_.look(expected + at, actual + at, length, SureNow()).unsure) continue;
      for (int64_t i = at; i < at + length; ++i) Loosen(begin + i, expected[i], actual[i]);
    }
  }

  // NaN or infinite on one side only, or infinite with another sign.
  static bool Mismatch(Real e, Real a) {
    return e != a && !std::isfinite(std::abs(e - a)) && !(std::isnan(e) && std::isnan(a));
  }

  // Of the tightest level that may still hold; any one when none does.
  Sure<T> SureNow() const {
    constexpr Real kShare = (1 - T::kSlack) * (1 - T::kSlack);  // 1 where results are not rounded: then it is exact
    const int level = std::min(out_.tightest, in_.tolerances - 1);
    return {static_cast<Real>(in_.rtol[level]) * kShare, static_cast<Real>(in_.atol[level]) * kShare};
  }

  void Loosen(int64_t index, Real e, Real a) {
    while (out_.tightest < in_.tolerances && !Close<T>(e, a, in_.rtol[out_.tightest], in_.atol[out_.tightest])) {
      ++out_.tightest;
    }
    if (out_.tightest == in_.tolerances && out_.first_bad < 0) out_.first_bad = index;
  }

  const PnCompareInput& in_;
  PnCompareOutput& out_;
  const Loops<T> loops_ = ChooseLoops<T>();
  Buffer expected_, actual_;
};

template <typename Stored>
void CompareExactly(const PnCompareInput& in, PnCompareOutput& out) {
  const auto* expected = static_cast<const Stored*>(in.expected);
  const auto* actual = static_cast<const Stored*>(in.actual);
  for (int64_t begin = 0; begin < in.count; begin += kChunk) {
    const int64_t end = std::min(begin + kChunk, in.count);
    if (SameBytes(expected + begin, actual + begin, end - begin)) continue;
    out.bitwise_equal = out.equal = 0;
    out.tightest = in.tolerances;
    for (int64_t i = begin; i < end; ++i) {
      if (expected[i] == actual[i]) continue;
      const double difference = std::abs(static_cast<double>(expected[i]) - static_cast<double>(actual[i]));
      out.max_abs_diff = std::max(out.max_abs_diff, difference);
      if (out.first_bad < 0) out.first_bad = i;
    }
  }
}

void Tell(const PnMismatch& mismatch, PnMismatches& out) {
  ++out.count;
  out.told = std::min(out.told + 1, PN_MISMATCHES_TOLD);
  out.first[out.told - 1] = mismatch;
}

template <typename T>
typename T::Real ValueAt(const typename T::Stored* values, int64_t index) {
  typename T::Real value{};
  if constexpr (kWidened<T>) {
    T::Widen(values + index, &value, 1);
  } else {
    value = __builtin_bit_cast(typename T::Real, values[index]);
  }
  return value;
}

template <typename T>
void FloatMismatches(const PnCompareInput& in, int32_t level, PnMismatches& out) {
  const auto* expected = static_cast<const typename T::Stored*>(in.expected);
  const auto* actual = static_cast<const typename T::Stored*>(in.actual);
  for (int64_t i = 0; i < in.count; ++i) {
    const auto e = ValueAt<T>(expected, i), a = ValueAt<T>(actual, i);
    if (!Close<T>(e, a, in.rtol[level], in.atol[level])) Tell({i, static_cast<double>(e), static_cast<double>(a)}, out);
  }
}

template <typename Stored>
void ExactMismatches(const PnCompareInput& in, PnMismatches& out) {
  const auto* expected = static_cast<const Stored*>(in.expected);
  const auto* actual = static_cast<const Stored*>(in.actual);
  for (int64_t i = 0; i < in.count; ++i) {
    if (expected[i] == actual[i]) continue;
    Tell({i, static_cast<double>(expected[i]), static_cast<double>(actual[i])}, out);
  }
}

// The two questions, each for a type with tolerances and for one whose values are equal or not.
struct Comparing {
  const PnCompareInput& in;
  PnCompareOutput& out;
  template <typename T>
  void Float() const { Sweep<T>(in, out).Run(); }
  template <typename Stored>
  void Exact() const { CompareExactly<Stored>(in, out); }
};

struct Finding {
  const PnCompareInput& in;
  int32_t level;
  PnMismatches& out;
  template <typename T>
  void Float() const { FloatMismatches<T>(in, level, out); }
  template <typename Stored>
  void Exact() const { ExactMismatches<Stored>(in, out); }
};

// 0, or -1 for a type that there is no answer for.
template <typename Question>
int ForType(int32_t scalar_type, const Question& question) {
  switch (static_cast<at::ScalarType>(scalar_type)) {
    case at::kFloat: question.template Float<Float32>(); return 0;
    case at::kDouble: question.template Float<Float64>(); return 0;
    case at::kHalf: question.template Float<Float16>(); return 0;
    case at::kBFloat16: question.template Float<BFloat16>(); return 0;
    case at::kByte: question.template Exact<uint8_t>(); return 0;
    case at::kBool: question.template Exact<uint8_t>(); return 0;
    case at::kChar: question.template Exact<int8_t>(); return 0;
    case at::kShort: question.template Exact<int16_t>(); return 0;
    case at::kInt: question.template Exact<int32_t>(); return 0;
    case at::kLong: question.template Exact<int64_t>(); return 0;
    default: return -1;
  }
}

}  // namespace

int pn_compare(const PnCompareInput* input, PnCompareOutput* output) {
  *output = PnCompareOutput{0, 1, 1, 0, 0.0, -1};
  return ForType(input->scalar_type, Comparing{*input, *output});
}

int pn_mismatches(const PnCompareInput* input, int32_t level, PnMismatches* output) {
  *output = PnMismatches{};
  return ForType(input->scalar_type, Finding{*input, level, *output});
}
