#include "base/cancel.h"

#include <gtest/gtest.h>

namespace passnet {
namespace {

TEST(CancelTest, DefaultTokenIsNeverCancelled) {
  CancelToken token;
  auto subscription = token.OnCancel([] { FAIL(); });
  EXPECT_FALSE(token.cancelled());
}

TEST(CancelTest, CallbackRunsOnce) {
  CancelSource source;
  int calls = 0;
  auto subscription = source.token().OnCancel([&] { ++calls; });
  source.Cancel();
  source.Cancel();
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(source.token().cancelled());
}

TEST(CancelTest, DroppedSubscriptionIsNotCalled) {
  CancelSource source;
  int calls = 0;
  {
    auto subscription = source.token().OnCancel([&] { ++calls; });
  }
  source.Cancel();
  EXPECT_EQ(calls, 0);
}

TEST(CancelTest, LateSubscriberIsCalledAtOnce) {
  CancelSource source;
  source.Cancel();
  int calls = 0;
  auto subscription = source.token().OnCancel([&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(CancelTest, CallbackMayDropAnotherSubscription) {
  CancelSource source;
  int second_calls = 0;
  CancelToken::Subscription second;
  auto first = source.token().OnCancel([&] { second.Reset(); });
  second = source.token().OnCancel([&] { ++second_calls; });
  source.Cancel();
  EXPECT_EQ(second_calls, 0);
}

}  // namespace
}  // namespace passnet
