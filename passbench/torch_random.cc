#include "passbench/torch_random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numbers>
#include <utility>

namespace passnet::passbench {
namespace {

constexpr size_t kBlock = 16;

float PolynomialAt(float x, std::span<const float> coefficients) {
  float y = coefficients.front();
  for (float next : coefficients.subspan(1)) y = std::fma(y, x, next);
  return y;
}

// Cephes logf for 0 < x <= 1 and normal.
float Log(float x) {
  constexpr std::array<float, 9> kP{7.0376836292E-2f,  -1.1514610310E-1f, 1.1676998740E-1f,
                                    -1.2420140846E-1f, 1.4249322787E-1f,  -1.6668057665E-1f,
                                    2.0000714765E-1f,  -2.4999993993E-1f, 3.3333331174E-1f};
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  float e = static_cast<float>(static_cast<int32_t>(bits >> 23) - 126);
  x = std::bit_cast<float>((bits & 0x807fffffu) | 0x3f000000u);  // the fraction, in [0.5, 1)
  if (x < 0.707106781186547524f) {
    e -= 1;
    x = x - 1 + x;
  } else {
    x -= 1;
  }
  const float z = x * x;
  float y = PolynomialAt(x, kP) * x;
  y = std::fma(y, z, e * -2.12194440e-4f);
  y = std::fma(-0.5f, z, y);
  return std::fma(e, 0.693359375f, x + y);
}

struct SineCosine {
  float sine;
  float cosine;
};

// Cephes sinf and cosf for 0 <= x < 8192.
SineCosine SinCos(float x) {
  constexpr std::array<float, 3> kCosine{2.443315711809948E-005f, -1.388731625493765E-003f, 4.166664568298827E-002f};
  constexpr std::array<float, 3> kSine{-1.9515295891E-4f, 8.3321608736E-3f, -1.6666654611E-1f};
  const uint32_t octant = (static_cast<uint32_t>(x * 1.27323954473516f) + 1) & ~1u;
  const float turns = static_cast<float>(octant);
  x = std::fma(turns, -0.78515625f, x);
  x = std::fma(turns, -2.4187564849853515625e-4f, x);
  x = std::fma(turns, -3.77489497744594108e-8f, x);
  const float z = x * x;
  const float near_cosine = std::fma(PolynomialAt(z, kCosine) * z, z, -0.5f * z) + 1;
  const float near_sine = std::fma(PolynomialAt(z, kSine) * z, x, x);
  const bool swap = (octant & 2) != 0;
  const float sine = swap ? near_cosine : near_sine;
  const float cosine = swap ? near_sine : near_cosine;
  return {(octant & 4) != 0 ? -sine : sine, ((octant - 2) & 4) == 0 ? -cosine : cosine};
}

// Box-Muller on sixteen uniforms: eight pairs, eight values apart. "+ 0" turns -0 into 0, as adding the mean does.
void BoxMuller(float* data) {
  for (size_t j = 0; j < kBlock / 2; ++j) {
    const float radius = std::sqrt(-2.0f * Log(1.0f - data[j]));
    const SineCosine angle = SinCos(static_cast<float>(2.0 * std::numbers::pi) * data[j + 8]);
    data[j] = radius * angle.cosine + 0.0f;
    data[j + 8] = radius * angle.sine + 0.0f;
  }
}

void BoxMuller(double* data) {
  for (size_t j = 0; j < kBlock / 2; ++j) {
    const double radius = std::sqrt(-2 * std::log(1 - data[j]));
    const double theta = 2.0 * std::numbers::pi * data[j + 8];
    data[j] = radius * std::cos(theta) + 0.0;
    data[j + 8] = radius * std::sin(theta) + 0.0;
  }
}

// All uniforms first, then block by block; a last block that does not fit is drawn anew over the end.
template <typename T, typename Uniform>
void FillBlocks(std::span<T> out, const Uniform& uniform) {
  std::generate(out.begin(), out.end(), uniform);
  for (size_t i = 0; i + kBlock <= out.size(); i += kBlock) BoxMuller(out.data() + i);
  if (out.size() % kBlock == 0) return;
  std::span<T> tail = out.last(kBlock);
  std::generate(tail.begin(), tail.end(), uniform);
  BoxMuller(tail.data());
}

}  // namespace

float TorchRandom::UniformFloat() { return static_cast<float>(engine_.Next() & 0xffffffu) * 0x1p-24f; }

double TorchRandom::UniformDouble() {
  const uint64_t high = engine_.Next();
  const uint64_t bits = high << 32 | engine_.Next();
  return static_cast<double>(bits & ((uint64_t{1} << 53) - 1)) * 0x1p-53;
}

double TorchRandom::NormalDouble() {
  if (kept_) return *std::exchange(kept_, std::nullopt);
  const double u1 = UniformDouble();
  const double u2 = UniformDouble();
  const double radius = std::sqrt(-2.0 * std::log1p(-u2));
  const double theta = 2.0 * std::numbers::pi * u1;
  kept_ = radius * std::sin(theta);
  return radius * std::cos(theta);
}

void TorchRandom::Normal(std::span<float> out) {
  if (out.size() < kBlock) {
    std::generate(out.begin(), out.end(), [this] { return static_cast<float>(NormalDouble()); });
    return;
  }
  FillBlocks(out, [this] { return UniformFloat(); });
}

void TorchRandom::Normal(std::span<double> out) {
  if (out.size() < kBlock) {
    std::generate(out.begin(), out.end(), [this] { return NormalDouble(); });
    return;
  }
  FillBlocks(out, [this] { return UniformDouble(); });
}

// Unlike float32's, the uniforms of a block are drawn when its turn comes.
void TorchRandom::NormalForNarrow(std::span<float> out) {
  if (out.size() < kBlock) return Normal(out);
  auto fill = [this](std::span<float> block) {
    std::generate(block.begin(), block.end(), [this] { return UniformFloat(); });
    BoxMuller(block.data());
  };
  for (size_t i = 0; i + kBlock <= out.size(); i += kBlock) fill(out.subspan(i, kBlock));
  if (out.size() % kBlock != 0) fill(out.last(kBlock));
}

}  // namespace passnet::passbench
