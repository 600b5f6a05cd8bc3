#include "evaluator/compare/compare.h"

#include <ATen/ATen.h>
#include <torch/version.h>

#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

constexpr int64_t kChunk = 4096;  // elements compared before the sweep looks whether anything failed

// How a dtype's values and its arithmetic look: Real is what ATen computes in, Round gives back what it stores.
struct Float32 {
  using Stored = float;
  using Real = float;
  static Real Load(Stored x) { return x; }
  static Real Round(Real x) { return x; }
  static constexpr Real kSlack = 0;  // results are not rounded again
  static constexpr Real kSureError = std::numeric_limits<float>::max();
};
struct Float64 {
  using Stored = double;
  using Real = double;
  static Real Load(Stored x) { return x; }
  static Real Round(Real x) { return x; }
  static constexpr Real kSlack = 0;
  static constexpr Real kSureError = std::numeric_limits<double>::max();
};
struct Float16 {
  using Stored = uint16_t;
  using Real = float;
  static Real Load(Stored x) { return Table()[x]; }
  static Real Round(Real x) { return static_cast<float>(c10::Half(x)); }
  static constexpr Real kSlack = 0x1p-9f;  // four roundings of half an ulp (2^-11) each, with room
  static constexpr Real kSureError = 65000;  // a larger difference may round to infinity, which is never close

  static const float* Table() {
    static const std::vector<float> table = [] {
      std::vector<float> values(65536);
      for (uint32_t bits = 0; bits < 65536; ++bits) {
        values[bits] = static_cast<float>(c10::Half(static_cast<uint16_t>(bits), c10::Half::from_bits()));
      }
      return values;
    }();
    return table.data();
  }
};
struct BFloat16 {
  using Stored = uint16_t;
  using Real = float;
  static Real Load(Stored x) {
    uint32_t bits = static_cast<uint32_t>(x) << 16;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  static Real Round(Real x) { return static_cast<float>(c10::BFloat16(x)); }
  static constexpr Real kSlack = 0x1p-6f;
  static constexpr Real kSureError = 3e38f;
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

// Whether every element of a chunk is surely close, by a bound that needs no rounding: vectorises.
template <typename T>
bool SurelyClose(const typename T::Real* expected, const typename T::Real* actual, int64_t count, double rtol,
                 double atol) {
  using Real = typename T::Real;
  Real relative = static_cast<Real>(rtol) * (1 - T::kSlack);
  Real absolute = static_cast<Real>(atol) * (1 - T::kSlack);
  int bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    Real error = std::abs(expected[i] - actual[i]);
    Real allowed = absolute + relative * std::abs(actual[i]);
    // Written so that NaN counts as bad; an infinite difference is bad though everything is allowed.
    bad |= !(error <= allowed * (1 - T::kSlack)) | !(error <= T::kSureError);
  }
  return bad == 0;
}

template <typename T>
struct Sweep {
  using Real = typename T::Real;
  const PnCompareInput& in;
  PnCompareOutput& out;
  std::array<Real, kChunk> expected, actual;

  void Chunk(int64_t begin, int64_t count) {
    const auto* e = static_cast<const typename T::Stored*>(in.expected) + begin;
    const auto* a = static_cast<const typename T::Stored*>(in.actual) + begin;
    if (std::memcmp(e, a, static_cast<size_t>(count) * sizeof *e) == 0 && !HasNan(e, count)) return;
    for (int64_t i = 0; i < count; ++i) {
      expected[i] = T::Load(e[i]);
      actual[i] = T::Load(a[i]);
    }
    Measure(count);
    if (out.tightest < in.tolerances && T::kSlack == 0
            ? ExactlyClose(count, out.tightest)
            : out.tightest < in.tolerances &&
                  SurelyClose<T>(expected.data(), actual.data(), count, in.rtol[out.tightest], in.atol[out.tightest])) {
      return;
    }
    for (int64_t i = 0; i < count; ++i) Loosen(begin + i, expected[i], actual[i]);
  }

  bool HasNan(const typename T::Stored* values, int64_t count) {
    int nan = 0;
    for (int64_t i = 0; i < count; ++i) {
      Real value = T::Load(values[i]);
      nan |= value != value;
    }
    return nan != 0;
  }

  bool ExactlyClose(int64_t count, int t) {
    int bad = 0;
    auto rtol = static_cast<Real>(in.rtol[t]), atol = static_cast<Real>(in.atol[t]);
    for (int64_t i = 0; i < count; ++i) {
      Real error = std::abs(expected[i] - actual[i]);
      Real allowed = atol + std::abs(rtol * actual[i]);
      // An infinite error is never close, whatever is allowed; infinite - infinite is NaN and fails too.
      bad |= !(error <= allowed) | !(error <= std::numeric_limits<Real>::max());
    }
    return bad == 0;
  }

  void Measure(int64_t count) {
    Real largest = 0;
    int unequal = 0, odd = 0;
    for (int64_t i = 0; i < count; ++i) {
      Real error = std::abs(expected[i] - actual[i]);
      bool finite = error <= std::numeric_limits<Real>::max();
      largest = finite && error > largest ? error : largest;
      unequal |= !(expected[i] == actual[i]);
      bool both_nan = expected[i] != expected[i] && actual[i] != actual[i];
      odd |= !finite && expected[i] != actual[i] && !both_nan;
    }
    out.max_abs_diff = std::max(out.max_abs_diff, static_cast<double>(largest));
    if (unequal) out.equal = 0;
    if (odd) out.nonfinite_mismatch = 1;
  }

  void Loosen(int64_t index, Real e, Real a) {
    while (out.tightest < in.tolerances && !Close<T>(e, a, in.rtol[out.tightest], in.atol[out.tightest])) {
      ++out.tightest;
    }
    if (out.tightest == in.tolerances && out.first_bad < 0) out.first_bad = index;
  }

  void Run() {
    for (int64_t begin = 0; begin < in.count; begin += kChunk) Chunk(begin, std::min(kChunk, in.count - begin));
  }
};

template <typename T>
int CompareFloats(const PnCompareInput& in, PnCompareOutput& out) {
  Sweep<T>{in, out, {}, {}}.Run();
  return 0;
}

template <typename Stored>
int CompareExactly(const PnCompareInput& in, PnCompareOutput& out) {
  const auto* e = static_cast<const Stored*>(in.expected);
  const auto* a = static_cast<const Stored*>(in.actual);
  for (int64_t i = 0; i < in.count; ++i) {
    if (e[i] == a[i]) continue;
    double difference = std::abs(static_cast<double>(e[i]) - static_cast<double>(a[i]));
    out.max_abs_diff = std::max(out.max_abs_diff, difference);
    if (out.first_bad < 0) out.first_bad = i;
    out.equal = 0;
    out.tightest = in.tolerances;
  }
  return 0;
}

}  // namespace

int pn_compare(const PnCompareInput* input, PnCompareOutput* output) {
  *output = PnCompareOutput{0, 0, 1, 0, 0.0, -1};
  auto type = static_cast<at::ScalarType>(input->scalar_type);
  auto bytes = static_cast<size_t>(input->count) * c10::elementSize(type);
  output->bitwise_equal = bytes == 0 || std::memcmp(input->expected, input->actual, bytes) == 0;
  switch (type) {
    case at::kFloat: return CompareFloats<Float32>(*input, *output);
    case at::kDouble: return CompareFloats<Float64>(*input, *output);
    case at::kHalf: return CompareFloats<Float16>(*input, *output);
    case at::kBFloat16: return CompareFloats<BFloat16>(*input, *output);
    case at::kByte: return CompareExactly<uint8_t>(*input, *output);
    case at::kBool: return CompareExactly<uint8_t>(*input, *output);
    case at::kChar: return CompareExactly<int8_t>(*input, *output);
    case at::kShort: return CompareExactly<int16_t>(*input, *output);
    case at::kInt: return CompareExactly<int32_t>(*input, *output);
    case at::kLong: return CompareExactly<int64_t>(*input, *output);
    default: return -1;
  }
}

const char* pn_compare_torch_version() { return TORCH_VERSION; }
