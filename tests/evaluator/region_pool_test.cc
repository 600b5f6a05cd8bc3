#include "evaluator/lane/region_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace passnet::evaluator {
namespace {

bool AllZero(const SharedRegion& region) {
  return std::all_of(region.data(), region.data() + region.size(), [](std::byte byte) { return byte == std::byte{0}; });
}

TEST(RegionPoolTest, WhatComesBackIsWipedAndUsedAgain) {
  RegionPool pool;
  SeatRegions first = pool.Take(8192, 4096).value();
  const std::byte* in = first.in.data();
  first.in.data()[0] = first.in.data()[8191] = std::byte{1};
  first.out.data()[4095] = std::byte{2};
  pool.GiveBack(std::move(first));
  SeatRegions second = pool.Take(8192, 4096).value();
  EXPECT_EQ(second.in.data(), in);
  EXPECT_TRUE(AllZero(second.in));
  EXPECT_TRUE(AllZero(second.out));
}

TEST(RegionPoolTest, RegionsOfAnotherSizeStay) {
  RegionPool pool;
  pool.GiveBack(pool.Take(8192, 4096).value());
  EXPECT_EQ(pool.Take(4096, 4096).value().in.size(), 4096u);
  EXPECT_EQ(pool.Take(8192, 8192).value().out.size(), 8192u);
}

TEST(RegionPoolTest, NoTwoSeatsShareARegion) {
  RegionPool pool;
  SeatRegions one = pool.Take(4096, 4096).value(), other = pool.Take(4096, 4096).value();
  EXPECT_NE(one.in.data(), other.in.data());
}

TEST(RegionPoolTest, EmptyRegionsAreRegions) {
  RegionPool pool;
  pool.GiveBack(pool.Take(0, 4096).value());
  EXPECT_EQ(pool.Take(0, 4096).value().in.size(), 0u);
}

}  // namespace
}  // namespace passnet::evaluator
