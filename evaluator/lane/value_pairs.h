// Pairs of tensors that are to be close, compared for all tolerances at once: on the host, or where a device kept both runs.
// The answers are the same, bit for bit.
// Threads: pure functions over what is borrowed. Errors: infrastructure's alone (the device).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/integrity/observations.h"

namespace passnet::evaluator {

// By level, from the tightest.
struct Tolerances {
  std::array<double, kLevels> rtol{}, atol{};
};
Tolerances TolerancesOf(const std::string& dtype);

// Where one side's values lie.
struct ValuePlace {
  const std::byte* bytes = nullptr;  // on the host
  uint64_t address = 0;              // in a kept run
  const int64_t* strides = nullptr;  // in elements; null: row-major without gaps
};

struct ValuePair {
  std::string what;  // for messages
  const std::string& dtype;
  const Tolerances& tolerances;
  const std::vector<int64_t>& shape;
  int64_t elements = 0;
  size_t width = 0;  // of an element
  ValuePlace expected, actual;
};

struct ValuesSeen {
  bool known = true;  // false: values of this type cannot be compared
  int tightest = 0;
  double max_abs_diff = 0;
  bool nonfinite_mismatch = false;
};

std::vector<ValuesSeen> CompareHere(const std::vector<ValuePair>& pairs);
Result<std::vector<ValuesSeen>> CompareThere(const KeptRun& expected, const KeptRun& actual,
                                             const std::vector<ValuePair>& pairs);

}  // namespace passnet::evaluator
