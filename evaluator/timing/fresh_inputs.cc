#include "evaluator/timing/fresh_inputs.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "passbench/float_formats.h"

namespace passnet::evaluator {
namespace {

constexpr size_t kBatch = 1 << 13;  // elements at a time: floats and their randomness stay in the first cache levels
constexpr double kRootOfSix = 2.449489742783178;
constexpr double kStrayScale = 15;
constexpr double kConstantScale = 0.25;  // spread of a strayed constant, relative to it; of zeros: absolute
constexpr int kMinStrayPermille = 10, kMaxStrayPermille = 50;

struct Affine {
  float offset, scale, least, most;
  bool fold = false;  // values keep the sign of the mean
};

Affine Around(const FreshTensor& tensor, double spread) {
  const double mean = tensor.mean;
  // 16 bits twice: the sum lies in [0, 131070].
  const double scale = spread * kRootOfSix / 65535.0;
  Affine affine{static_cast<float>(mean - spread * kRootOfSix), static_cast<float>(scale),
                static_cast<float>(tensor.least), static_cast<float>(tensor.most), false};
  return affine;
}

// Whether the task's own values lie on one side of zero, so that strayed ones should: a variance, a scale.
bool OneSided(const FreshTensor& tensor) {
  return tensor.mean != 0 && std::abs(tensor.mean) >= 3 * tensor.spread;
}

float Value(uint32_t bits, const Affine& affine) {
  const auto sum = static_cast<float>((bits & 0xffffu) + (bits >> 16));
  return std::min(std::max(affine.offset + affine.scale * sum, affine.least), affine.most);
}

// The same loop twice, chosen at run time. GCC's own target_clones resolve before a sanitizer is ready, and crash.
inline __attribute__((always_inline)) void ValuesLoop(const uint32_t* bits, size_t count, const Affine& affine, float* out) {
  for (size_t i = 0; i < count; ++i) {
    const auto sum = static_cast<float>(static_cast<int32_t>((bits[i] & 0xffffu) + (bits[i] >> 16)));
    const float value = affine.offset + affine.scale * sum;
    out[i] = std::min(std::max(value, affine.least), affine.most);
  }
}

__attribute__((target("avx2"))) void ValuesWide(const uint32_t* bits, size_t count, const Affine& affine, float* out) {
  ValuesLoop(bits, count, affine, out);
}

void Values(const uint32_t* bits, size_t count, const Affine& affine, float* out) {
  if (__builtin_cpu_supports("avx2")) return ValuesWide(bits, count, affine, out);
  ValuesLoop(bits, count, affine, out);
}

__attribute__((target("avx2,f16c"))) void StoreHalfWide(const float* from, size_t count, uint16_t* to) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), half);
  }
  for (; i < count; ++i) to[i] = passbench::ToHalf(from[i]);
}

void StoreHalf(const float* from, size_t count, uint16_t* to) {
  if (__builtin_cpu_supports("f16c")) return StoreHalfWide(from, count, to);
  for (size_t i = 0; i < count; ++i) to[i] = passbench::ToHalf(from[i]);
}

// Finite values only: round to nearest, ties to even.
inline __attribute__((always_inline)) void BFloat16Loop(const float* from, size_t count, uint16_t* to) {
  const auto* bits = reinterpret_cast<const uint32_t*>(from);
  for (size_t i = 0; i < count; ++i) {
    to[i] = static_cast<uint16_t>((bits[i] + 0x7fffu + ((bits[i] >> 16) & 1u)) >> 16);
  }
}

__attribute__((target("avx2"))) void StoreBFloat16Wide(const float* from, size_t count, uint16_t* to) {
  BFloat16Loop(from, count, to);
}

void StoreBFloat16(const float* from, size_t count, uint16_t* to) {
  if (__builtin_cpu_supports("avx2")) return StoreBFloat16Wide(from, count, to);
  BFloat16Loop(from, count, to);
}

void Store(const std::string& dtype, const float* values, size_t count, std::byte* to) {
  if (dtype == "float32") {
    std::memcpy(to, values, count * sizeof(float));
  } else if (dtype == "float64") {
    auto* out = reinterpret_cast<double*>(to);
    for (size_t i = 0; i < count; ++i) out[i] = values[i];
  } else if (dtype == "float16") {
    StoreHalf(values, count, reinterpret_cast<uint16_t*>(to));
  } else {
    CHECK(dtype == "bfloat16");
    StoreBFloat16(values, count, reinterpret_cast<uint16_t*>(to));
  }
}

double ConstantSpread(const FreshTensor& tensor, DrawKind kind) {
  if (kind == DrawKind::kPlain) return 0;
  return tensor.mean != 0 ? kConstantScale * std::abs(tensor.mean) : kConstantScale;
}

void DrawFloats(const FreshTensor& tensor, double spread, SecretStream& random, std::span<std::byte> to) {
  const size_t width = to.size() / tensor.elements;
  const Affine affine = Around(tensor, spread);
  float values[kBatch];
  for (size_t begin = 0; begin < tensor.elements; begin += kBatch) {
    const size_t count = std::min(kBatch, tensor.elements - begin);
    Values(reinterpret_cast<const uint32_t*>(random.Take(count * 4)), count, affine, values);
    if (tensor.freshness == Freshness::kConstant && OneSided(tensor)) {
      for (size_t i = 0; i < count; ++i) values[i] = std::copysign(values[i], static_cast<float>(tensor.mean));
    }
    Store(tensor.dtype, values, count, to.data() + begin * width);
  }
}

size_t DrawStrayCount(const FreshTensor& tensor, SecretStream& random) {
  const uint64_t permille = kMinStrayPermille + random.Below(kMaxStrayPermille - kMinStrayPermille + 1);
  return std::max<size_t>(1, tensor.elements * permille / 1000);
}

// Overwrites a random share of the elements by far ones.
void Stray(const FreshTensor& tensor, SecretStream& random, std::span<std::byte> to) {
  const size_t width = to.size() / tensor.elements;
  const size_t strays = DrawStrayCount(tensor, random);
  const Affine affine = Around(tensor, tensor.spread * kStrayScale);
  constexpr size_t kDraws = 1024;
  for (size_t done = 0; done < strays; done += kDraws) {
    const size_t count = std::min(kDraws, strays - done);
    const auto* bits = reinterpret_cast<const uint64_t*>(random.Take(count * 16));
    for (size_t i = 0; i < count; ++i) {
      const auto at = static_cast<size_t>((static_cast<unsigned __int128>(bits[2 * i]) * tensor.elements) >> 64);
      float value = Value(static_cast<uint32_t>(bits[2 * i + 1]), affine);
      if (OneSided(tensor)) value = std::copysign(value, static_cast<float>(tensor.mean));
      Store(tensor.dtype, &value, 1, to.data() + at * width);
    }
  }
}

template <typename Int>
void DrawInts(const FreshTensor& tensor, SecretStream& random, std::span<std::byte> to) {
  auto* out = reinterpret_cast<Int*>(to.data());
  const uint64_t span = static_cast<uint64_t>(tensor.high - tensor.low) + 1;
  for (size_t begin = 0; begin < tensor.elements; begin += kBatch) {
    const size_t count = std::min(kBatch, tensor.elements - begin);
    const auto* bits = reinterpret_cast<const uint32_t*>(random.Take(count * 4));
    for (size_t i = 0; i < count; ++i) {
      // Multiply-shift: the bias is below span / 2^32, without a division an element.
      const auto step = static_cast<int64_t>((static_cast<unsigned __int128>(bits[i]) * span) >> 32);
      out[begin + i] = static_cast<Int>(tensor.low + step);
    }
  }
}

void DrawInts(const FreshTensor& tensor, SecretStream& random, std::span<std::byte> to) {
  switch (to.size() / tensor.elements) {
    case 1: return DrawInts<int8_t>(tensor, random, to);
    case 2: return DrawInts<int16_t>(tensor, random, to);
    case 4: return DrawInts<int32_t>(tensor, random, to);
    default: return DrawInts<int64_t>(tensor, random, to);
  }
}

// Of a mask, of 256.
uint8_t DrawDensity(DrawKind kind, SecretStream& random) {
  constexpr uint8_t kStrayed[] = {26, 77, 179, 230};
  return kind == DrawKind::kPlain ? 128 : kStrayed[random.Below(std::size(kStrayed))];
}

void DrawMask(size_t elements, DrawKind kind, SecretStream& random, std::span<std::byte> to) {
  const uint8_t density = DrawDensity(kind, random);
  for (size_t begin = 0; begin < elements; begin += kBatch) {
    const size_t count = std::min(kBatch, elements - begin);
    const uint8_t* bits = random.Take(count);
    for (size_t i = 0; i < count; ++i) to[begin + i] = static_cast<std::byte>(bits[i] < density);
  }
}

kernels::ValueType TypeOf(const FreshTensor& tensor, uint64_t width) {
  if (tensor.dtype == "float32") return kernels::kFloat32;
  if (tensor.dtype == "float64") return kernels::kFloat64;
  if (tensor.dtype == "float16") return kernels::kFloat16;
  if (tensor.dtype == "bfloat16") return kernels::kBFloat16;
  switch (width) {
    case 1: return kernels::kInt8;
    case 2: return kernels::kInt16;
    case 4: return kernels::kInt32;
    default: return kernels::kInt64;
  }
}

// `step` as one of `elements` that are drawn around the tensor's mean, each from so many bytes of the stream.
kernels::DrawStep Drawn(kernels::DrawStep step, kernels::StepKind kind, const FreshTensor& tensor, double spread,
                        bool one_sided, size_t elements, uint64_t each, SecretStream& random) {
  const Affine affine = Around(tensor, spread);
  step.kind = kind;
  step.elements = elements;
  step.among = tensor.elements;
  step.position = random.Position();
  step.offset = affine.offset;
  step.scale = affine.scale;
  step.least = affine.least;
  step.most = affine.most;
  if (one_sided) step.sign = std::signbit(tensor.mean) ? -1.0f : 1.0f;
  random.PassOver(elements * each);
  return step;
}

}  // namespace

void PlanInput(const FreshTensor& tensor, DrawKind kind, uint64_t bytes, uint64_t to, uint64_t from, SecretStream& random,
               std::vector<kernels::DrawStep>* steps) {
  if (tensor.elements == 0) return;
  kernels::DrawStep step;
  step.to = to;
  step.type = TypeOf(tensor, bytes / tensor.elements);
  step.elements = tensor.elements;
  switch (tensor.freshness) {
    case Freshness::kFixed:
      step.kind = kernels::kCopy;
      step.elements = bytes;
      step.from = from;
      steps->push_back(step);
      return;
    case Freshness::kConstant:
      steps->push_back(Drawn(step, kernels::kFloats, tensor, ConstantSpread(tensor, kind), OneSided(tensor), tensor.elements,
                             4, random));
      return;
    case Freshness::kFloat:
      steps->push_back(Drawn(step, kernels::kFloats, tensor, tensor.spread, false, tensor.elements, 4, random));
      if (kind == DrawKind::kStrayed) {
        const size_t strays = DrawStrayCount(tensor, random);
        steps->push_back(Drawn(step, kernels::kStrays, tensor, tensor.spread * kStrayScale, OneSided(tensor), strays, 16,
                               random));
      }
      return;
    case Freshness::kRangedInt:
      step.kind = kernels::kInts;
      step.low = tensor.low;
      step.span = static_cast<uint64_t>(tensor.high - tensor.low) + 1;
      step.position = random.Position();
      random.PassOver(tensor.elements * 4);
      steps->push_back(step);
      return;
    case Freshness::kBool:
      step.kind = kernels::kMask;
      step.density = DrawDensity(kind, random);
      step.position = random.Position();
      random.PassOver(tensor.elements);
      steps->push_back(step);
      return;
  }
}

void DrawInput(const FreshTensor& tensor, DrawKind kind, std::span<const std::byte> fixed, SecretStream& random,
               std::span<std::byte> to) {
  if (tensor.elements == 0) return;
  switch (tensor.freshness) {
    case Freshness::kFixed:
      CHECK(fixed.size() == to.size());
      std::memcpy(to.data(), fixed.data(), to.size());
      return;
    case Freshness::kConstant: return DrawFloats(tensor, ConstantSpread(tensor, kind), random, to);
    case Freshness::kFloat:
      DrawFloats(tensor, tensor.spread, random, to);
      if (kind == DrawKind::kStrayed) Stray(tensor, random, to);
      return;
    case Freshness::kRangedInt: return DrawInts(tensor, random, to);
    case Freshness::kBool: return DrawMask(tensor.elements, kind, random, to);
  }
}

}  // namespace passnet::evaluator
