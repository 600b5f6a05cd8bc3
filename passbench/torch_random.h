// torch.randn on a CPU, bit for bit: PassBench replaces values that are not finite from it.
// Threads: thread-compatible.
// Source: torch 2.13, ATen/native/cpu/DistributionTemplates.h, as its AVX2 build computes it (fused multiply-adds,
// Cephes polynomials for float32 and what is made from it). Checked against torch's own bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "passbench/mt19937.h"

namespace passnet::passbench {

class TorchRandom {
 public:
  explicit TorchRandom(uint64_t seed) : engine_(seed) {}

  // torch.randn(n, dtype=float32).
  void Normal(std::span<float> out);
  // torch.randn(n, dtype=float64).
  void Normal(std::span<double> out);
  // torch.randn(n, dtype=float16 or bfloat16) before the rounding to that type, which is the caller's.
  void NormalForNarrow(std::span<float> out);

 private:
  float UniformFloat();
  double UniformDouble();
  // For fewer than 16 values: one at a time, in float64, for every type.
  double NormalDouble();

  Mt19937 engine_;
  std::optional<double> kept_;
};

}  // namespace passnet::passbench
