// The kernel that compares, as the host runs it: the answers of evaluator/compare, bit for bit, on the same bytes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "evaluator/compare/compare.h"
#include "evaluator/device/recipe.h"
#include "evaluator/lane/output_headers.h"
#include "evaluator/lane/value_pairs.h"
#include "passbench/float_formats.h"

namespace passnet::evaluator {
namespace {

struct Type {
  const char* name;
  kernels::ValueType type;
  size_t width;
};
constexpr Type kFloatTypes[] = {{"float32", kernels::kFloat32, 4},
                                {"float64", kernels::kFloat64, 8},
                                {"float16", kernels::kFloat16, 2},
                                {"bfloat16", kernels::kBFloat16, 2}};
constexpr Type kExactTypes[] = {{"bool", kernels::kUint8, 1},  {"uint8", kernels::kUint8, 1}, {"int8", kernels::kInt8, 1},
                                {"int16", kernels::kInt16, 2}, {"int32", kernels::kInt32, 4}, {"int64", kernels::kInt64, 8}};

std::vector<std::byte> Stored(const Type& type, const std::vector<double>& values) {
  std::vector<std::byte> bytes(values.size() * type.width);
  for (size_t i = 0; i < values.size(); ++i) {
    std::byte* to = bytes.data() + i * type.width;
    const auto narrow = static_cast<float>(values[i]);
    const uint16_t half = type.type == kernels::kFloat16 ? passbench::ToHalf(narrow) : passbench::ToBFloat16(narrow);
    if (type.type == kernels::kFloat64) {
      std::memcpy(to, &values[i], 8);
    } else if (type.type == kernels::kFloat32) {
      std::memcpy(to, &narrow, 4);
    } else {
      std::memcpy(to, &half, 2);
    }
  }
  return bytes;
}

kernels::CompareStep StepOf(const Type& type, const std::vector<std::byte>& expected, const std::vector<std::byte>& actual) {
  kernels::CompareStep step;
  step.expected = reinterpret_cast<kernels::u64>(expected.data());
  step.actual = reinterpret_cast<kernels::u64>(actual.data());
  step.elements = expected.size() / type.width;
  step.type = type.type;
  step.levels = kLevels;
  const Tolerances table = TolerancesOf(type.name);
  std::copy(table.rtol.begin(), table.rtol.end(), step.rtol);
  std::copy(table.atol.begin(), table.atol.end(), step.atol);
  return step;
}

void ExpectTheHosts(const kernels::CompareResult& result, const Type& type, const std::vector<std::byte>& expected,
                    const std::vector<std::byte>& actual, const std::string& what) {
  const Tolerances table = TolerancesOf(type.name);
  const PnCompareInput input{expected.data(), actual.data(), ScalarTypeOf(type.name), kLevels,
                             static_cast<int64_t>(expected.size() / type.width), table.rtol.data(), table.atol.data()};
  PnCompareOutput wanted{};
  ASSERT_EQ(pn_compare(&input, &wanted), 0);
  kernels::u64 largest = 0;
  std::memcpy(&largest, &wanted.max_abs_diff, sizeof largest);
  EXPECT_EQ(result.tightest, static_cast<kernels::u32>(wanted.tightest)) << type.name << " " << what;
  EXPECT_EQ(result.largest_difference, largest) << type.name << " " << what;
  EXPECT_EQ(result.nonfinite_mismatch, static_cast<kernels::u32>(wanted.nonfinite_mismatch)) << type.name << " " << what;
  EXPECT_EQ(result.unequal, wanted.equal == 0 ? 1u : 0u) << type.name << " " << what;
}

void ExpectTheHosts(const Type& type, const std::vector<std::byte>& expected, const std::vector<std::byte>& actual,
                    const std::string& what) {
  ExpectTheHosts(CompareOnHost({StepOf(type, expected, actual)})[0], type, expected, actual, what);
}

// Errors of every size around every level, so that each border is met from both sides.
TEST(CompareKernelsTest, ErrorsOfEverySize) {
  std::mt19937 random(7);
  std::normal_distribution<double> normal;
  for (const Type& type : kFloatTypes) {
    for (int round = 0; round < 400; ++round) {
      const double size = std::pow(10.0, -14.0 + 16.0 * round / 400.0), scale = std::pow(10.0, round % 9 - 4);
      std::vector<double> expected, actual;
      for (int i = 0; i < 97; ++i) {
        expected.push_back(normal(random) * scale);
        actual.push_back(expected.back() + expected.back() * normal(random) * size + normal(random) * size * 0.1);
      }
      ExpectTheHosts(type, Stored(type, expected), Stored(type, actual), "round " + std::to_string(round));
    }
  }
}

// Every pair of bit patterns of the narrow types that a few thousand draws reach, NaN and infinities among them.
TEST(CompareKernelsTest, AnyBits) {
  std::mt19937 random(8);
  for (const Type& type : kFloatTypes) {
    for (int round = 0; round < 2000; ++round) {
      std::vector<std::byte> expected(type.width * static_cast<size_t>(1 + round % 5)), actual;
      for (std::byte& one : expected) one = static_cast<std::byte>(random());
      actual = expected;
      // The lowest byte, or all.
      for (size_t i = 0; i < actual.size(); i += round % 2 == 0 ? type.width : 1) actual[i] = static_cast<std::byte>(random());
      ExpectTheHosts(type, expected, actual, "round " + std::to_string(round));
    }
  }
}

TEST(CompareKernelsTest, SpecialValuesInPairs) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  const std::vector<double> values = {0.0,   -0.0,    1.0,      -1.0,  inf,    -inf, nan,   65504.0, -65504.0, 60000.0,
                                      3e38, -3e38, 1.7e308, 1e-7, 6e-8, 1e-40, 5e-324, -1e-45};
  for (const Type& type : kFloatTypes) {
    for (double e : values) {
      for (double a : values) {
        ExpectTheHosts(type, Stored(type, {e}), Stored(type, {a}), std::to_string(e) + " against " + std::to_string(a));
      }
    }
  }
}

TEST(CompareKernelsTest, IntegersAreEqualOrNot) {
  std::mt19937 random(10);
  for (const Type& type : kExactTypes) {
    for (int round = 0; round < 200; ++round) {
      std::vector<std::byte> expected(type.width * 129), actual;
      for (std::byte& one : expected) one = static_cast<std::byte>(random());
      actual = expected;
      if (round % 2 == 0) actual[random() % actual.size()] ^= std::byte{0x81};
      ExpectTheHosts(type, expected, actual, "round " + std::to_string(round));
    }
  }
}

// One launch for all tensors of a call: nothing of one is told of another.
TEST(CompareKernelsTest, TensorsOfALaunchAreApart) {
  std::vector<std::vector<std::byte>> expected, actual;
  std::vector<kernels::CompareStep> steps;
  for (size_t i = 0; i < 7; ++i) {
    expected.push_back(Stored(kFloatTypes[0], std::vector<double>(i == 3 ? 0 : 1 + 1000 * i, 1.0)));
    actual.push_back(expected.back());
    // At the end of one, at the beginning of the next but one.
    if (i % 2 == 0) actual.back()[i % 4 == 0 ? actual.back().size() - 2 : 2] ^= std::byte{0x10};
  }
  for (size_t i = 0; i < expected.size(); ++i) steps.push_back(StepOf(kFloatTypes[0], expected[i], actual[i]));
  const auto results = CompareOnHost(steps);
  for (size_t i = 0; i < expected.size(); ++i) {
    ExpectTheHosts(results[i], kFloatTypes[0], expected[i], actual[i], "tensor " + std::to_string(i));
  }
}

// Layouts of two tensors of one shape: permuted, with gaps, one element for all, and dimensions of one element with any stride.
TEST(CompareKernelsTest, StridesAreFollowedAsTheHostGathers) {
  std::mt19937 random(12);
  const std::vector<int64_t> shape = {3, 1, 5, 7};
  const std::vector<std::vector<int64_t>> layouts = {
      {35, 35, 7, 1}, {35, 999, 1, 5}, {1, -4, 3, 15}, {70, 70, 14, 2}, {0, 0, 0, 0}, {7, 7, 21, 1}};
  const Type& type = kFloatTypes[2];
  for (const auto& of_expected : layouts) {
    for (const auto& of_actual : layouts) {
      std::vector<std::byte> expected(2 * 400), actual;
      for (std::byte& one : expected) one = static_cast<std::byte>(random() % 0x3c);
      actual = expected;
      actual[random() % actual.size()] ^= std::byte{0x01};
      kernels::CompareStep step = StepOf(type, expected, actual);
      step.elements = 105;
      step.dims = 4;
      for (size_t d = 0; d < shape.size(); ++d) {
        step.shape[d] = shape[d];
        step.expected_strides[d] = of_expected[d];
        step.actual_strides[d] = of_actual[d];
      }
      std::vector<std::byte> first, second;
      const std::byte* e = RowMajor(expected.data(), of_expected.data(), shape, type.width, 105, &first);
      const std::byte* a = RowMajor(actual.data(), of_actual.data(), shape, type.width, 105, &second);
      ExpectTheHosts(CompareOnHost({step})[0], type, {e, e + 210}, {a, a + 210}, "strides");
    }
  }
}

}  // namespace
}  // namespace passnet::evaluator
