#include "command_line/closest_name.h"

#include <gtest/gtest.h>

#include <string>

namespace passnet::command_line {
namespace {

const std::vector<std::string_view> kVerbs = {"task",   "score",      "eval",   "baseline", "doctor", "campaign",
                                              "config", "trajectory", "verify", "export"};

TEST(ClosestNameTest, OneSlipOfEachKindIsSeenThrough) {
  EXPECT_EQ(ClosestName("evla", kVerbs), "eval");         // two letters swapped
  EXPECT_EQ(ClosestName("campain", kVerbs), "campaign");  // one missing
  EXPECT_EQ(ClosestName("scorre", kVerbs), "score");      // one too many
  EXPECT_EQ(ClosestName("docter", kVerbs), "doctor");     // a wrong one
}

TEST(ClosestNameTest, BeginningStandsForTheName) {
  EXPECT_EQ(ClosestName("traj", kVerbs), "trajectory");
  EXPECT_EQ(ClosestName("base", kVerbs), "baseline");
}

TEST(ClosestNameTest, FewestSlipsWin) { EXPECT_EQ(ClosestName("lisd", {"last", "list"}), "list"); }

TEST(ClosestNameTest, WhatIsNotNearIsNoGuess) {
  EXPECT_EQ(ClosestName("frobnicate", kVerbs), "");
  EXPECT_EQ(ClosestName("t", kVerbs), "");
  EXPECT_EQ(ClosestName("", kVerbs), "");
  EXPECT_EQ(ClosestName(std::string(100'000, 'e'), kVerbs), "");
}

}  // namespace
}  // namespace passnet::command_line
