#include "evaluator/integrity/allowed_operations.h"

#include <gtest/gtest.h>

namespace passnet::evaluator::integrity {
namespace {

TEST(AllowedOperationsTest, WhatComputesNothingIsAllowed) {
  for (const char* name : {"aten::view", "aten::expand", "aten::empty", "aten::empty_like", "aten::copy_", "aten::_to_copy",
                           "aten::contiguous", "aten::zeros", "aten::fill_", "aten::size", "aten::slice",
                           "aten::detach", "detach"}) {
    EXPECT_TRUE(IsAllowedOperation(name)) << name;
  }
}

TEST(AllowedOperationsTest, EverythingElseIsNotWhateverItIsCalled) {
  for (const char* name : {"aten::add", "aten::mul_", "aten::gelu", "aten::mm", "aten::softmax", "aten::cat", "aten::gather",
                           "aten::arange", "aten::where", "aten::sum", "aten::View", "aten::", "view", "", "mine::view",
                           "aten::view_copy", "quantized::linear", "xaten::view"}) {
    EXPECT_FALSE(IsAllowedOperation(name)) << name;
  }
}

TEST(AllowedOperationsTest, RefusedKeepTheirOrder) {
  const std::vector<Counted> refused = Refused({{"aten::softmax", 2}, {"aten::view", 3}, {"aten::_softmax", 2}});
  ASSERT_EQ(refused.size(), 2u);
  EXPECT_EQ(refused[0].name, "aten::softmax");
  EXPECT_EQ(refused[1].name, "aten::_softmax");
}

}  // namespace
}  // namespace passnet::evaluator::integrity
