#include "evaluator/timing/fresh_bits.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <vector>

namespace passnet::evaluator {
namespace {

std::span<const std::byte> Bytes(const std::vector<float>& values) { return std::as_bytes(std::span(values)); }

std::vector<float> Refresh(FreshBits& bits, const std::vector<float>& base) {
  std::vector<float> to(base.size());
  bits.Fill({"float32", base.size(), Freshness::kFloatBits, 0, 0}, Bytes(base), std::as_writable_bytes(std::span(to)));
  return to;
}

TEST(FreshBitsTest, EveryNormalFloatMovesALittle) {
  FreshBits bits;
  std::vector<float> base(100'000);
  for (size_t i = 0; i < base.size(); ++i) base[i] = std::sin(static_cast<float>(i) + 0.5f);
  auto one = Refresh(bits, base), two = Refresh(bits, base);
  size_t same = 0;
  for (size_t i = 0; i < base.size(); ++i) {
    EXPECT_LE(std::abs(one[i] - base[i]), std::abs(base[i]) * 0x1p-14f);
    same += one[i] == two[i];
  }
  // 9 bits: one element in 512 draws the same value twice.
  EXPECT_LT(same, base.size() / 200);
  EXPECT_NE(std::memcmp(one.data(), two.data(), one.size() * sizeof(float)), 0);
}

TEST(FreshBitsTest, ZerosInfinitiesAndNaNsKeepTheirBytes) {
  FreshBits bits;
  float inf = std::numeric_limits<float>::infinity();
  std::vector<float> base = {0.0f, -0.0f, inf, -inf, std::numeric_limits<float>::quiet_NaN(), 1e-42f};
  auto fresh = Refresh(bits, base);
  EXPECT_EQ(std::memcmp(base.data(), fresh.data(), base.size() * sizeof(float)), 0);
}

TEST(FreshBitsTest, RangedIntsStayInsideAndReachBothEnds) {
  FreshBits bits;
  std::vector<int64_t> base(5000, 7), to(5000);
  bits.Fill({"int64", base.size(), Freshness::kRangedInt, -2, 3}, std::as_bytes(std::span(base)),
            std::as_writable_bytes(std::span(to)));
  EXPECT_EQ(std::set<int64_t>(to.begin(), to.end()), (std::set<int64_t>{-2, -1, 0, 1, 2, 3}));
}

TEST(FreshBitsTest, FixedTensorsAreCopied) {
  FreshBits bits;
  std::vector<float> base = {1.5f, 2.5f}, to(2);
  bits.Fill({"float32", 2, Freshness::kFixed, 0, 0}, Bytes(base), std::as_writable_bytes(std::span(to)));
  EXPECT_EQ(base, to);
}

TEST(FreshBitsTest, HalfTypesMoveByAtMostThreeUnits) {
  FreshBits bits;
  std::vector<uint16_t> base(4096, 0x3f80), to(4096);
  bits.Fill({"bfloat16", base.size(), Freshness::kFloatBits, 0, 0}, std::as_bytes(std::span(base)),
            std::as_writable_bytes(std::span(to)));
  std::set<uint16_t> seen(to.begin(), to.end());
  EXPECT_EQ(seen, (std::set<uint16_t>{0x3f80, 0x3f81, 0x3f82, 0x3f83}));
}

TEST(FreshBitsTest, BelowCoversItsRange) {
  FreshBits bits;
  std::set<uint64_t> seen;
  for (int i = 0; i < 500; ++i) seen.insert(bits.Below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace passnet::evaluator
