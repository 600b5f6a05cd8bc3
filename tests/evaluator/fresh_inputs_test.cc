#include "evaluator/timing/fresh_inputs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "passbench/float_formats.h"

namespace passnet::evaluator {
namespace {

FreshTensor Floats(size_t elements, double mean, double spread, const char* dtype = "float32") {
  FreshTensor tensor;
  tensor.dtype = dtype;
  tensor.elements = elements;
  tensor.freshness = spread > 0 ? Freshness::kFloat : Freshness::kConstant;
  tensor.mean = mean;
  tensor.spread = spread;
  tensor.least = -100;
  tensor.most = 100;
  return tensor;
}

template <typename T>
std::vector<T> Draw(const FreshTensor& tensor, DrawKind kind, SecretStream& random) {
  std::vector<T> values(tensor.elements);
  DrawInput(tensor, kind, {}, random, std::as_writable_bytes(std::span(values)));
  return values;
}

struct Moments {
  double mean = 0, deviation = 0, least = 0, most = 0;
};
Moments Of(const std::vector<float>& values) {
  Moments moments;
  moments.least = moments.most = values.front();
  double squares = 0;
  for (float value : values) {
    moments.mean += value / static_cast<double>(values.size());
    squares += static_cast<double>(value) * value;
    moments.least = std::min<double>(moments.least, value);
    moments.most = std::max<double>(moments.most, value);
  }
  moments.deviation = std::sqrt(squares / static_cast<double>(values.size()) - moments.mean * moments.mean);
  return moments;
}

TEST(FreshInputsTest, PlainFloatsHaveTheTasksMeanAndSpread) {
  SecretStream random;
  const Moments moments = Of(Draw<float>(Floats(100'003, 3, 0.5), DrawKind::kPlain, random));
  EXPECT_NEAR(moments.mean, 3, 0.01);
  EXPECT_NEAR(moments.deviation, 0.5, 0.01);
  EXPECT_GE(moments.least, 3 - 0.5 * 2.4495);
  EXPECT_LE(moments.most, 3 + 0.5 * 2.4495);
}

TEST(FreshInputsTest, NoTwoDrawsAreAlike) {
  SecretStream random;
  const FreshTensor tensor = Floats(10'000, 0, 1);
  auto one = Draw<float>(tensor, DrawKind::kPlain, random), two = Draw<float>(tensor, DrawKind::kPlain, random);
  size_t near = 0;
  for (size_t i = 0; i < one.size(); ++i) near += std::abs(one[i] - two[i]) < 0.01f;
  EXPECT_LT(near, one.size() / 20);
}

TEST(FreshInputsTest, StrayedFloatsLeaveTheSpreadHereAndThere) {
  SecretStream random;
  const auto values = Draw<float>(Floats(100'000, 0, 0.2), DrawKind::kStrayed, random);
  size_t far = 0;
  for (float value : values) far += std::abs(value) > 0.2f * 2.45f;
  EXPECT_GT(far, values.size() / 200);
  EXPECT_LT(far, values.size() / 15);
}

TEST(FreshInputsTest, StrayedValuesKeepTheSignThatTheTaskGivesThem) {
  SecretStream random;
  for (float value : Draw<float>(Floats(50'000, 1, 0.2), DrawKind::kStrayed, random)) ASSERT_GE(value, 0);
  for (float value : Draw<float>(Floats(1000, -2, 0), DrawKind::kStrayed, random)) ASSERT_LE(value, 0);
}

TEST(FreshInputsTest, ConstantsAreConstantOnlyInPlainCalls) {
  SecretStream random;
  for (double mean : {0.0, 1.0}) {
    const Moments plain = Of(Draw<float>(Floats(1000, mean, 0), DrawKind::kPlain, random));
    EXPECT_EQ(plain.least, mean);
    EXPECT_EQ(plain.most, mean);
    EXPECT_GT(Of(Draw<float>(Floats(1000, mean, 0), DrawKind::kStrayed, random)).deviation, 0.1);
  }
}

TEST(FreshInputsTest, BoundsHold) {
  SecretStream random;
  FreshTensor tensor = Floats(10'000, 0, 80);
  tensor.least = -1;
  for (float value : Draw<float>(tensor, DrawKind::kStrayed, random)) {
    ASSERT_GE(value, -1);
    ASSERT_LE(value, 100);
  }
}

// Vector code and the scalar conversions agree: the same draw, whatever the element type.
TEST(FreshInputsTest, NarrowTypesAreRoundedDraws) {
  SecretStream random;
  for (const char* dtype : {"float16", "bfloat16"}) {
    const bool half = std::string(dtype) == "float16";
    std::vector<float> values;
    for (uint16_t bits : Draw<uint16_t>(Floats(20'011, 1, 0.5, dtype), DrawKind::kPlain, random)) {
      values.push_back(half ? passbench::FromHalf(bits) : passbench::FromBFloat16(bits));
    }
    EXPECT_NEAR(Of(values).mean, 1, 0.02) << dtype;
    EXPECT_NEAR(Of(values).deviation, 0.5, 0.02) << dtype;
  }
}

TEST(FreshInputsTest, RangedIntsStayInsideAndReachBothEnds) {
  SecretStream random;
  FreshTensor tensor;
  tensor.dtype = "int64";
  tensor.elements = 5000;
  tensor.freshness = Freshness::kRangedInt;
  tensor.low = -2;
  tensor.high = 3;
  const auto values = Draw<int64_t>(tensor, DrawKind::kPlain, random);
  EXPECT_EQ(std::set<int64_t>(values.begin(), values.end()), (std::set<int64_t>{-2, -1, 0, 1, 2, 3}));
}

TEST(FreshInputsTest, MasksAreDrawnAnew) {
  SecretStream random;
  FreshTensor tensor;
  tensor.dtype = "bool";
  tensor.elements = 10'000;
  tensor.freshness = Freshness::kBool;
  const auto count = [&](DrawKind kind) {
    int set = 0;
    for (uint8_t value : Draw<uint8_t>(tensor, kind, random)) {
      EXPECT_LE(value, 1);
      set += value;
    }
    return set;
  };
  EXPECT_NEAR(count(DrawKind::kPlain), 5000, 300);
  EXPECT_GT(std::abs(count(DrawKind::kStrayed) - 5000), 1000);
}

TEST(FreshInputsTest, LiteralDataStays) {
  SecretStream random;
  FreshTensor tensor;
  tensor.dtype = "float32";
  tensor.elements = 2;
  std::vector<float> literal = {1.5f, 2.5f}, to(2);
  DrawInput(tensor, DrawKind::kStrayed, std::as_bytes(std::span(literal)), random, std::as_writable_bytes(std::span(to)));
  EXPECT_EQ(to, literal);
}

TEST(SecretStreamTest, BelowIsUniform) {
  SecretStream random;
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[random.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10'000, 600);
}

}  // namespace
}  // namespace passnet::evaluator
