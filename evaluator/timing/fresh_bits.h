// Fresh input bytes before every call, so that no output can be a remembered one: every free float element gets new low
// mantissa bits, ranged integers are redrawn, fixed tensors stay. Both sides get identical bytes.
// Threads: thread-compatible. Owns: its cipher state. Source: docs/integrity.md, layer 7.
// The stream is AES-128-CTR under a key from the kernel: what a candidate has seen does not tell what comes next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace passnet::evaluator {

enum class Freshness {
  kFixed,      // literal data, constants, booleans: the bytes of the base set
  kFloatBits,  // low mantissa bits of every finite, normal element
  kRangedInt,  // uniform in [low, high]
};

struct FreshTensor {
  std::string dtype;  // "float32", …
  size_t elements = 0;
  Freshness freshness = Freshness::kFixed;
  int64_t low = 0, high = 0;  // inclusive, for kRangedInt
};

// How many low bits of the stored element change: chosen so that the value moves by less than 2^-14 (float32) or by
// at most three units in the last place (fp16, bf16), far inside the spread of the inputs themselves.
inline constexpr int kFloat32Bits = 9;
inline constexpr int kFloat64Bits = 38;
inline constexpr int kFloat16Bits = 2;
inline constexpr int kBFloat16Bits = 2;

class FreshBits {
 public:
  FreshBits();  // keyed by the kernel
  ~FreshBits();
  FreshBits(const FreshBits&) = delete;
  FreshBits& operator=(const FreshBits&) = delete;

  // Writes base's bytes with fresh bits to `to` (same size).
  void Fill(const FreshTensor& tensor, std::span<const std::byte> base, std::span<std::byte> to);

  // Uniform in [0, bound), bound > 0.
  uint64_t Below(uint64_t bound);
  uint64_t Next();

 private:
  const uint8_t* Random(size_t bytes);

  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace passnet::evaluator
