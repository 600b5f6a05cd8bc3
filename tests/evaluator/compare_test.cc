#include "evaluator/compare/compare.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "passbench/tolerances.h"

namespace passnet::evaluator {
namespace {

constexpr int kLevelCount = passbench::kMaxT - passbench::kMinT + 1;

struct Table {
  std::array<double, kLevelCount> rtol{}, atol{};
};

Table TableOf(const std::string& dtype) {
  Table table;
  for (int t = passbench::kMinT; t <= passbench::kMaxT; ++t) {
    auto tolerance = passbench::ToleranceAt(dtype, t);
    if (!tolerance) continue;
    table.rtol[static_cast<size_t>(t - passbench::kMinT)] = tolerance->rtol;
    table.atol[static_cast<size_t>(t - passbench::kMinT)] = tolerance->atol;
  }
  return table;
}

PnCompareOutput Compare(const at::Tensor& expected, const at::Tensor& actual, const std::string& dtype) {
  Table table = TableOf(dtype);
  PnCompareInput input{expected.const_data_ptr(), actual.const_data_ptr(), static_cast<int32_t>(expected.scalar_type()),
                       kLevelCount, expected.numel(), table.rtol.data(), table.atol.data()};
  PnCompareOutput output{};
  EXPECT_EQ(pn_compare(&input, &output), 0);
  return output;
}

PnMismatches MismatchesAt(const at::Tensor& expected, const at::Tensor& actual, const std::string& dtype, int level) {
  Table table = TableOf(dtype);
  PnCompareInput input{expected.const_data_ptr(), actual.const_data_ptr(), static_cast<int32_t>(expected.scalar_type()),
                       kLevelCount, expected.numel(), table.rtol.data(), table.atol.data()};
  PnMismatches output{};
  EXPECT_EQ(pn_mismatches(&input, level, &output), 0);
  return output;
}

// torch's own answer: the first level at which allclose(expected, actual) holds.
int TightestByTorch(const at::Tensor& expected, const at::Tensor& actual, const std::string& dtype) {
  Table table = TableOf(dtype);
  for (int i = 0; i < kLevelCount; ++i) {
    if (at::allclose(expected, actual, table.rtol[static_cast<size_t>(i)], table.atol[static_cast<size_t>(i)])) return i;
  }
  return kLevelCount;
}

struct Case {
  const char* dtype;
  at::ScalarType type;
};

class CompareTest : public testing::TestWithParam<Case> {};

// Errors of every size around every level, so that each border is met from both sides.
TEST_P(CompareTest, AgreesWithTorchElementByElement) {
  at::manual_seed(7);
  auto [dtype, type] = GetParam();
  for (int round = 0; round < 400; ++round) {
    at::Tensor base = at::randn({97}, at::kDouble) * std::pow(10.0, round % 9 - 4);
    double size = std::pow(10.0, -14.0 + 16.0 * round / 400.0);
    at::Tensor expected = base.to(type).contiguous();
    at::Tensor actual = (base + base * at::randn({97}, at::kDouble) * size + at::randn({97}, at::kDouble) * size * 0.1).to(type).contiguous();
    ASSERT_EQ(Compare(expected, actual, dtype).tightest, TightestByTorch(expected, actual, dtype)) << dtype << " round " << round;
  }
}

TEST_P(CompareTest, SpecialValuesAsTorch) {
  auto [dtype, type] = GetParam();
  double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  std::vector<double> values = {0.0, -0.0, 1.0, -1.0, inf, -inf, nan, 60000.0, -60000.0, 3e38, -3e38, 1e-7};
  for (double e : values) {
    for (double a : values) {
      at::Tensor expected = at::full({1}, e, at::kDouble).to(type), actual = at::full({1}, a, at::kDouble).to(type);
      EXPECT_EQ(Compare(expected, actual, dtype).tightest, TightestByTorch(expected, actual, dtype))
          << dtype << " " << e << " against " << a;
    }
  }
}

TEST_P(CompareTest, LargeTensorsAcrossChunkBorders) {
  auto [dtype, type] = GetParam();
  at::Tensor expected = at::randn({20'000}, at::kDouble).to(type).contiguous();
  for (int64_t place : {int64_t{0}, int64_t{4095}, int64_t{4096}, int64_t{19'999}}) {
    at::Tensor actual = expected.clone();
    actual[place] = actual[place] + 100;
    PnCompareOutput output = Compare(expected, actual, dtype);
    EXPECT_EQ(output.tightest, TightestByTorch(expected, actual, dtype));
    EXPECT_EQ(output.bitwise_equal, 0);
    EXPECT_NEAR(output.max_abs_diff, 100, 1);
  }
  EXPECT_EQ(Compare(expected, expected.clone(), dtype).bitwise_equal, 1);
}

// Masks are full of -inf on both sides: equal, and no reason to look closer, or to overlook what is wrong beside them.
TEST_P(CompareTest, ValuesWithoutEndOnBothSides) {
  auto [dtype, type] = GetParam();
  at::manual_seed(3);
  at::Tensor expected = at::randn({5'000}, at::kDouble).to(type).contiguous();
  expected.masked_fill_(at::rand({5'000}) < 0.3, -std::numeric_limits<double>::infinity());
  at::Tensor actual = (expected * 1.01).to(type).contiguous();
  PnCompareOutput output = Compare(expected, actual, dtype);
  EXPECT_EQ(output.tightest, TightestByTorch(expected, actual, dtype));
  EXPECT_LT(output.tightest, kLevelCount);
  EXPECT_EQ(output.nonfinite_mismatch, 0);
  EXPECT_EQ(output.equal, 0);
  expected[4'321] = actual[4'321] = std::nan("");
  output = Compare(expected, actual, dtype);
  EXPECT_EQ(output.tightest, kLevelCount);
  EXPECT_EQ(output.first_bad, 4'321);
  EXPECT_EQ(output.nonfinite_mismatch, 0) << "NaN on both sides";
  actual[4'321] = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Compare(expected, actual, dtype).nonfinite_mismatch, 1);
}

TEST_P(CompareTest, MismatchesAreThoseThatTorchFinds) {
  auto [dtype, type] = GetParam();
  at::manual_seed(11);
  constexpr int kLevel = -5 - passbench::kMinT;
  const Table table = TableOf(dtype);
  at::Tensor expected = at::randn({9'001}, at::kDouble).to(type).contiguous(), actual = expected.clone();
  for (int64_t place : {int64_t{17}, int64_t{4'096}, int64_t{5'000}, int64_t{5'001}, int64_t{9'000}}) actual[place] += 1;
  actual[7'000] = std::nan("");
  const PnMismatches found = MismatchesAt(expected, actual, dtype, kLevel);
  const at::Tensor by_torch = at::isclose(expected, actual, table.rtol[kLevel], table.atol[kLevel]).logical_not().nonzero();
  EXPECT_EQ(found.count, by_torch.numel());
  ASSERT_EQ(found.told, PN_MISMATCHES_TOLD);
  for (int i = 0; i + 1 < PN_MISMATCHES_TOLD; ++i) EXPECT_EQ(found.first[i].index, by_torch[i].item<int64_t>());
  EXPECT_EQ(found.first[PN_MISMATCHES_TOLD - 1].index, 9'000) << "the last one of all";
  EXPECT_EQ(found.first[0].expected, expected[17].to(at::kDouble).item<double>());
  EXPECT_EQ(found.first[0].actual, actual[17].to(at::kDouble).item<double>());
  EXPECT_EQ(MismatchesAt(expected, expected.clone(), dtype, kLevel).told, 0);
}

INSTANTIATE_TEST_SUITE_P(Floats, CompareTest,
                         testing::Values(Case{"float32", at::kFloat}, Case{"float64", at::kDouble},
                                         Case{"float16", at::kHalf}, Case{"bfloat16", at::kBFloat16}),
                         [](const auto& chosen) { return chosen.param.dtype; });

TEST(CompareExactlyTest, IntegersAndBooleansAreEqualOrNot) {
  at::Tensor ints = at::arange(10, at::kLong), other = ints.clone();
  EXPECT_EQ(Compare(ints, other, "int64").tightest, 0);
  other[3] = 7;
  PnCompareOutput output = Compare(ints, other, "int64");
  EXPECT_EQ(output.tightest, kLevelCount);
  EXPECT_EQ(output.first_bad, 3);
  EXPECT_EQ(output.max_abs_diff, 4);
  const PnMismatches found = MismatchesAt(ints, other, "int64", 0);
  EXPECT_EQ(found.count, 1);
  EXPECT_EQ(found.told, 1);
  EXPECT_EQ(found.first[0].index, 3);
  EXPECT_EQ(found.first[0].actual, 7);
}

}  // namespace
}  // namespace passnet::evaluator
