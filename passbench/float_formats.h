// float16 and bfloat16 as bits, rounding to nearest even as torch does.
// Threads: thread-safe functions. Errors: none; too large becomes infinity, NaN stays NaN.
// Source: IEEE 754-2008 binary16; bfloat16 is the upper half of binary32.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace passnet::passbench {

inline uint16_t ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // 65520 and above round to infinity
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 puts the last kept bit at the end of the mantissa, rounded by the addition itself.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(std::bit_cast<uint32_t>(shifted) - 0x3f000000u);
  }
  const uint32_t rebiased = magnitude - 0x38000000u;  // exponent 127 -> 15
  const uint32_t odd = (rebiased >> 13) & 1u;
  return sign | static_cast<uint16_t>((rebiased + 0xfffu + odd) >> 13);
}

inline uint16_t ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
  const uint32_t odd = (bits >> 16) & 1u;
  return static_cast<uint16_t>((bits + 0x7fffu + odd) >> 16);
}

inline float FromHalf(uint16_t half) {
  const float sign = (half & 0x8000u) != 0 ? -1.0f : 1.0f;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  const uint32_t wide = exponent == 0x1f ? 0xffu : exponent + 112;
  return std::bit_cast<float>((half & 0x8000u) << 16 | wide << 23 | mantissa << 13);
}

inline float FromBFloat16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

}  // namespace passnet::passbench
