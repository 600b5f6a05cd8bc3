#include "evaluator/lane/value_pairs.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"
#include "evaluator/compare/compare.h"
#include "evaluator/lane/output_headers.h"
#include "passbench/tolerances.h"

namespace passnet::evaluator {
namespace {

static_assert(kLevels <= static_cast<int>(kernels::kMostLevels) && PN_MAX_DIMS <= kernels::kMostDims);

std::optional<kernels::ValueType> DeviceTypeOf(const std::string& dtype) {
  static constexpr std::pair<const char*, kernels::ValueType> kTypes[] = {
      {"uint8", kernels::kUint8},     {"int8", kernels::kInt8},       {"int16", kernels::kInt16},
      {"int32", kernels::kInt32},     {"int64", kernels::kInt64},     {"float16", kernels::kFloat16},
      {"float32", kernels::kFloat32}, {"float64", kernels::kFloat64}, {"bool", kernels::kUint8},
      {"bfloat16", kernels::kBFloat16}};
  for (const auto& [name, type] : kTypes) {
    if (dtype == name) return type;
  }
  return {};
}

// Both in one order without gaps: then no element needs to be looked for.
bool InStep(const ValuePair& pair) {
  const int64_t* expected = pair.expected.strides;
  const int64_t* actual = pair.actual.strides;
  if (expected == nullptr || actual == nullptr) return expected == actual;
  return SameStrides(expected, actual, pair.shape) && IsDense(actual, pair.shape);
}

const std::byte* InOrder(const ValuePair& pair, const ValuePlace& place, std::vector<std::byte>* scratch) {
  if (place.strides == nullptr) return place.bytes;
  return RowMajor(place.bytes, place.strides, pair.shape, pair.width, pair.elements, scratch);
}

ValuesSeen Here(const ValuePair& pair) {
  std::vector<std::byte> expected, actual;
  const bool in_step = InStep(pair);
  PnCompareInput input{in_step ? pair.expected.bytes : InOrder(pair, pair.expected, &expected),
                       in_step ? pair.actual.bytes : InOrder(pair, pair.actual, &actual),
                       ScalarTypeOf(pair.dtype),
                       kLevels,
                       pair.elements,
                       pair.tolerances.rtol.data(),
                       pair.tolerances.atol.data()};
  PnCompareOutput output{};
  if (pn_compare(&input, &output) != 0) return {false};
  return {true, static_cast<int>(output.tightest), output.max_abs_diff, output.nonfinite_mismatch != 0};
}

kernels::CompareStep StepOf(const ValuePair& pair, kernels::ValueType type) {
  kernels::CompareStep step;
  step.expected = pair.expected.address;
  step.actual = pair.actual.address;
  step.elements = static_cast<kernels::u64>(pair.elements);
  step.type = type;
  step.levels = kLevels;
  std::copy(pair.tolerances.rtol.begin(), pair.tolerances.rtol.end(), step.rtol);
  std::copy(pair.tolerances.atol.begin(), pair.tolerances.atol.end(), step.atol);
  if (InStep(pair)) return step;
  CHECK(pair.expected.strides != nullptr && pair.actual.strides != nullptr);
  step.dims = static_cast<kernels::u32>(pair.shape.size());
  for (size_t d = 0; d < pair.shape.size(); ++d) {
    step.shape[d] = pair.shape[d];
    step.expected_strides[d] = pair.expected.strides[d];
    step.actual_strides[d] = pair.actual.strides[d];
  }
  return step;
}

}  // namespace

Tolerances TolerancesOf(const std::string& dtype) {
  Tolerances table;
  for (int i = 0; i < kLevels; ++i) {
    if (auto tolerance = passbench::ToleranceAt(dtype, kTightestT + i)) {
      table.rtol[static_cast<size_t>(i)] = tolerance->rtol;
      table.atol[static_cast<size_t>(i)] = tolerance->atol;
    }
  }
  return table;
}

std::vector<ValuesSeen> CompareHere(const std::vector<ValuePair>& pairs) {
  std::vector<ValuesSeen> seen;
  for (const ValuePair& pair : pairs) seen.push_back(Here(pair));
  return seen;
}

Result<std::vector<ValuesSeen>> CompareThere(const KeptRun& expected, const KeptRun& actual,
                                             const std::vector<ValuePair>& pairs) {
  std::vector<kernels::CompareStep> steps;
  std::vector<ValuesSeen> seen(pairs.size());
  std::vector<size_t> of_step;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto type = DeviceTypeOf(pairs[i].dtype);
    seen[i].known = type.has_value();
    if (!type) continue;
    steps.push_back(StepOf(pairs[i], *type));
    of_step.push_back(i);
  }
  ASSIGN_OR_RETURN(const auto results, expected.Compare(actual, std::move(steps)));
  for (size_t i = 0; i < results.size(); ++i) {
    const kernels::CompareResult& result = results[i];
    seen[of_step[i]] = {true, static_cast<int>(result.tightest), __builtin_bit_cast(double, result.largest_difference),
                        result.nonfinite_mismatch != 0};
  }
  return seen;
}

}  // namespace passnet::evaluator
