#include "daemon/http_api/metrics.h"

#include <gtest/gtest.h>

namespace passnet::daemon {
namespace {

TEST(EscapedLabelTest, NothingEndsTheLabelOrItsLine) {
  EXPECT_EQ(EscapedLabel("cpu:1#1"), "cpu:1#1");
  EXPECT_EQ(EscapedLabel("a\"} 9\nb{c=\"\\"), "a\\\"} 9\\nb{c=\\\"\\\\");
  EXPECT_EQ(EscapedLabel("\xff"), "\xEF\xBF\xBD");
}

}  // namespace
}  // namespace passnet::daemon
