// Element types as kernels load, round and store them: what torch and the host do, bit for bit, without their headers.
// Threads: pure functions. Owns: nothing. Errors: none.
// Source: IEEE 754-2008; passbench/float_formats.h has the same roundings for the host.
#pragma once

#include "evaluator/device/kernels/words.h"

namespace passnet::evaluator::kernels {

PN_DEVICE u16 HalfBits(float value) {
  const u32 bits = BitsOf(value), magnitude = bits & 0x7fffffffu;
  const u32 sign = bits >> 16 & 0x8000u;
  if (magnitude > 0x7f800000u) return static_cast<u16>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<u16>(sign | 0x7c00u);  // 65520 and above round to infinity
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 puts the last kept bit at the end of the mantissa, rounded by the addition itself.
    return static_cast<u16>(sign | (BitsOf(FloatOf(magnitude) + 0.5f) - 0x3f000000u));
  }
  const u32 rebiased = magnitude - 0x38000000u;  // exponent 127 -> 15
  return static_cast<u16>(sign | (rebiased + 0xfffu + (rebiased >> 13 & 1u)) >> 13);
}

PN_DEVICE float OfHalfBits(u16 half) {
  const u32 sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu, mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return FloatOf(sign | 0x7f800000u | mantissa << 13);
  if (exponent > 0) return FloatOf(sign | (exponent + 112) << 23 | mantissa << 13);
  // Steps of 2^-24; both factors and the product are exact.
  return FloatOf(sign | BitsOf(static_cast<float>(mantissa) * 5.9604644775390625e-8f));
}

PN_DEVICE u16 BFloat16Bits(float value) {
  const u32 bits = BitsOf(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
  return static_cast<u16>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

PN_DEVICE float OfBFloat16Bits(u16 bits) { return FloatOf(static_cast<u32>(bits) << 16); }

PN_DEVICE float Magnitude(float value) { return FloatOf(BitsOf(value) & 0x7fffffffu); }
PN_DEVICE double Magnitude(double value) { return DoubleOf(BitsOf(value) & 0x7fffffffffffffffull); }
PN_DEVICE bool Finite(float value) { return (BitsOf(value) & 0x7f800000u) != 0x7f800000u; }
PN_DEVICE bool Finite(double value) { return (BitsOf(value) & 0x7ff0000000000000ull) != 0x7ff0000000000000ull; }

// How a type's values and its arithmetic look: what ATen computes in, and what it stores of a result.
struct Float32Values {
  using Real = float;
  PN_DEVICE static Real Load(u64 at, u64 index) { return At<const float>(at)[index]; }
  PN_DEVICE static Real Round(Real value) { return value; }
};
struct Float64Values {
  using Real = double;
  PN_DEVICE static Real Load(u64 at, u64 index) { return At<const double>(at)[index]; }
  PN_DEVICE static Real Round(Real value) { return value; }
};
struct Float16Values {
  using Real = float;
  PN_DEVICE static Real Load(u64 at, u64 index) { return OfHalfBits(At<const u16>(at)[index]); }
  PN_DEVICE static Real Round(Real value) { return OfHalfBits(HalfBits(value)); }
};
struct BFloat16Values {
  using Real = float;
  PN_DEVICE static Real Load(u64 at, u64 index) { return OfBFloat16Bits(At<const u16>(at)[index]); }
  PN_DEVICE static Real Round(Real value) { return OfBFloat16Bits(BFloat16Bits(value)); }
};

}  // namespace passnet::evaluator::kernels
