#include "agent/llm/adaptive_limiter.h"

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stop_token>
#include <vector>

#include "tests/agent_llm/run_task.h"

namespace passnet::agent {
namespace {

using dialects::OutcomeClass;

using Permit = AdaptiveLimiter::Permit;

class AdaptiveLimiterTest : public testing::Test {
 protected:
  std::shared_ptr<AdaptiveLimiter> Make(LimiterOptions options) {
    return std::make_shared<AdaptiveLimiter>(options);
  }
  // Fails the test when none is free.
  std::vector<Permit> Take(AdaptiveLimiter& limiter, int count) {
    std::vector<Permit> permits;
    for (int i = 0; i < count; ++i) permits.push_back(std::move(RunTaskOn(loop_, limiter.Acquire({})).value()));
    return permits;
  }
  // Acquires in the background; what it got lands in `*got`.
  void Wait(AdaptiveLimiter& limiter, std::stop_token cancel, std::optional<Result<Permit>>* got) {
    boost::asio::co_spawn(loop_, StoreResult(limiter.Acquire(cancel), got), [](std::exception_ptr error) {
      if (error) std::rethrow_exception(error);
    });
    Turn();
  }
  void Turn() {
    loop_.restart();
    loop_.poll();
  }

  boost::asio::io_context loop_;
};

TEST_F(AdaptiveLimiterTest, GrowsByOneAfterACleanRound) {
  auto limiter = Make({.start = 3, .ceiling = 4});
  for (int round = 0; round < 2; ++round) {
    auto permits = Take(*limiter, 3);
    for (auto& permit : permits) permit.Settle(OutcomeClass::kAccepted);
  }
  EXPECT_EQ(limiter->limit(), 3) << "only the first of each three found the limit in use";
  auto permits = Take(*limiter, 3);
  permits[0].Settle(OutcomeClass::kAccepted);
  EXPECT_EQ(limiter->limit(), 4);
  permits.clear();
  for (int i = 0; i < 20; ++i) {
    auto four = Take(*limiter, 4);
    four[0].Settle(OutcomeClass::kAccepted);
  }
  EXPECT_EQ(limiter->limit(), 4) << "the ceiling holds";
}

TEST_F(AdaptiveLimiterTest, OneEpisodeShrinksOnce) {
  auto limiter = Make({.start = 10});
  auto permits = Take(*limiter, 10);
  for (auto& permit : permits) permit.Settle(OutcomeClass::kRateLimited);
  EXPECT_EQ(limiter->limit(), 7);
  auto next = Take(*limiter, 1);
  next[0].Settle(OutcomeClass::kRateLimited);
  EXPECT_EQ(limiter->limit(), 4);
}

TEST_F(AdaptiveLimiterTest, RequestsFromBeforeAShrinkDoNotGrowIt) {
  auto limiter = Make({.start = 10});
  auto permits = Take(*limiter, 10);
  permits[0].Settle(OutcomeClass::kRateLimited);
  for (auto& permit : permits) permit.Settle(OutcomeClass::kAccepted);
  for (int i = 0; i < 6; ++i) Take(*limiter, 7)[0].Settle(OutcomeClass::kAccepted);
  EXPECT_EQ(limiter->limit(), 7);
}

TEST_F(AdaptiveLimiterTest, FloorHolds) {
  auto limiter = Make({.start = 2, .floor = 1});
  for (int i = 0; i < 5; ++i) Take(*limiter, 1)[0].Settle(OutcomeClass::kRateLimited);
  EXPECT_EQ(limiter->limit(), 1);
}

TEST_F(AdaptiveLimiterTest, ServerTroubleStartsTheRoundAgain) {
  auto limiter = Make({.start = 2});
  auto clean = [&](OutcomeClass outcome) { Take(*limiter, 2)[0].Settle(outcome); };
  clean(OutcomeClass::kAccepted);
  clean(OutcomeClass::kOverloaded);
  clean(OutcomeClass::kAccepted);
  EXPECT_EQ(limiter->limit(), 2);
  clean(OutcomeClass::kAccepted);
  EXPECT_EQ(limiter->limit(), 3);
}

TEST_F(AdaptiveLimiterTest, WaitersAreServedInOrder) {
  auto limiter = Make({.start = 1});
  auto held = Take(*limiter, 1);
  std::optional<Result<Permit>> first, second;
  Wait(*limiter, {}, &first);
  Wait(*limiter, {}, &second);
  EXPECT_FALSE(first);
  held.clear();
  Turn();
  ASSERT_TRUE(first && first->has_value());
  EXPECT_FALSE(second);
  first.reset();
  Turn();
  ASSERT_TRUE(second && second->has_value());
  EXPECT_EQ(limiter->in_flight(), 1);
}

TEST_F(AdaptiveLimiterTest, CancelledWaiterLeavesTheQueue) {
  auto limiter = Make({.start = 1});
  auto held = Take(*limiter, 1);
  std::stop_source cancel;
  std::optional<Result<Permit>> waiter;
  Wait(*limiter, cancel.get_token(), &waiter);
  cancel.request_stop();
  Turn();
  ASSERT_TRUE(waiter);
  EXPECT_EQ(waiter->error().code, ErrorCode::kCancelled);
  EXPECT_EQ(limiter->waiting(), 0u);
  held.clear();
  EXPECT_EQ(limiter->in_flight(), 0);
}

TEST_F(AdaptiveLimiterTest, PlaceGrantedToACancelledWaiterIsPassedOn) {
  auto limiter = Make({.start = 1});
  auto held = Take(*limiter, 1);
  std::stop_source cancel;
  std::optional<Result<Permit>> waiter, next;
  Wait(*limiter, cancel.get_token(), &waiter);
  Wait(*limiter, {}, &next);
  held.clear();
  cancel.request_stop();
  Turn();
  EXPECT_TRUE(waiter && waiter->has_error());
  EXPECT_TRUE(next && next->has_value());
}

TEST_F(AdaptiveLimiterTest, FullQueueRefuses) {
  auto limiter = Make({.start = 1, .max_waiting = 1});
  auto held = Take(*limiter, 1);
  std::optional<Result<Permit>> waiter, refused;
  Wait(*limiter, {}, &waiter);
  Wait(*limiter, {}, &refused);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->error().code, ErrorCode::kOverloaded);
}

TEST_F(AdaptiveLimiterTest, EndpointAndKeyShareOne) {
  LimiterRegistry registry(LimiterOptions{});
  auto first = registry.For("https://a/v1", Secret("k1"));
  EXPECT_EQ(registry.For("https://a/v1", Secret("k1")), first);
  EXPECT_NE(registry.For("https://a/v1", Secret("k2")), first);
  EXPECT_NE(registry.For("https://b/v1", Secret("k1")), first);
}

}  // namespace
}  // namespace passnet::agent
