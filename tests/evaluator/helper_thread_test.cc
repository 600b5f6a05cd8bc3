#include "evaluator/lane/helper_thread.h"

#include <gtest/gtest.h>

#include <atomic>

namespace passnet::evaluator {
namespace {

TEST(HelperThreadTest, IdleOnceAllThatWasPostedHasRun) {
  HelperThread helper("test", {0});
  std::atomic<int> done{0};
  for (int i = 0; i < 1000; ++i) helper.Post([&done] { done.fetch_add(1); });
  helper.AwaitIdle();
  EXPECT_EQ(done.load(), 1000);
  helper.AwaitIdle();
}

TEST(HelperThreadTest, RunsInTheOrderOfPosting) {
  HelperThread helper("test", {0});
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) helper.Post([&order, i] { order.push_back(i); });
  helper.AwaitIdle();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace passnet::evaluator
