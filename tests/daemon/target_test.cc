#include "daemon/http_api/target.h"

#include <gtest/gtest.h>

namespace passnet::daemon {
namespace {

TEST(ParseTargetTest, PathAndQueryAreDecoded) {
  Request request;
  ASSERT_TRUE(ParseTarget("/v1/a%20b+c?x=1%2B2&y=p+q&&z&x=last", &request));
  EXPECT_EQ(request.path, "/v1/a b+c");
  EXPECT_EQ(request.query, (std::map<std::string, std::string>{{"x", "last"}, {"y", "p q"}, {"z", ""}}));
}

TEST(ParseTargetTest, WhatIsNoPathOrBrokenIsRefused) {
  for (const char* target : {"", "*", "http://evil.example/health", "evil.example:80", "/a%", "/a%2", "/a%zz", "/a%00b",
                             "/a?x=%0", "/a?%00=1"}) {
    Request request;
    EXPECT_FALSE(ParseTarget(target, &request)) << target;
  }
}

TEST(ParseTargetTest, EscapeAtTheVeryEndIsRead) {
  Request request;
  ASSERT_TRUE(ParseTarget("/%41?b=%42", &request));
  EXPECT_EQ(request.path, "/A");
  EXPECT_EQ(request.query.at("b"), "B");
}

}  // namespace
}  // namespace passnet::daemon
