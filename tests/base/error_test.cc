#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/result.h"

namespace passnet {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd: " + std::to_string(n));
  return n / 2;
}

Result<int> Quarter(int n) {
  ASSIGN_OR_RETURN(int half, Half(n));
  return Half(half);
}

TEST(ErrorTest, FromErrnoNamesCallObjectAndCode) {
  Error error = Error::FromErrno("open", "/x", ENOSPC);
  EXPECT_EQ(error.code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(error.context, "open /x: No space left on device");
}

TEST(ErrorTest, PrefixKeepsTheCode) {
  Error error = NotFound("no model.py").Prefixed("graph g0");
  EXPECT_EQ(ToString(error), "not_found: graph g0: no model.py");
}

TEST(ErrorTest, EveryNameFindsItsCodeAgain) {
  for (ErrorCode code : {ErrorCode::kInvalidArgument, ErrorCode::kDeadlineExceeded, ErrorCode::kIo, ErrorCode::kInternal}) {
    EXPECT_EQ(ErrorCodeByName(ErrorCodeName(code)), code) << ErrorCodeName(code);
  }
  EXPECT_EQ(ErrorCodeByName("of a later version"), ErrorCode::kInternal);
}

TEST(ResultTest, MacroLeavesWithTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  ASSERT_TRUE(Quarter(6).has_error());
  EXPECT_EQ(Quarter(6).error().context, "odd: 3");
}

}  // namespace
}  // namespace passnet
