#include "agent/budget/budget.h"

#include <stop_token>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace passnet::agent {
namespace {

using trajectories::EventDraft;
using trajectories::EventKind;

EventDraft EventOf(EventKind kind, const std::string& call_id, int64_t tokens = 0) {
  EventDraft event;
  event.kind = kind;
  event.subject = call_id;
  if (tokens > 0) event.prompt_tokens = tokens;
  return event;
}

struct Waiting {
  boost::asio::io_context loop;
  std::optional<Status> answer;

  void Reserve(Budget* budget, const std::string& call_id, Amount amount, std::stop_token cancel = {}) {
    answer.reset();
    boost::asio::co_spawn(loop, Ask(budget, call_id, amount, cancel, &answer), [](std::exception_ptr) {});
    loop.restart();
    loop.poll();
  }
  void Poll() {
    loop.restart();
    loop.poll();
  }
  static Task<void> Ask(Budget* budget, std::string call_id, Amount amount, std::stop_token cancel,
                        std::optional<Status>* answer) {
    *answer = co_await budget->Reserve(std::move(call_id), amount, cancel);
  }
};

TEST(BudgetTest, ParallelReservationsCannotOvershoot) {
  Waiting waiting;
  Budget budget({1000, std::nullopt});
  waiting.Reserve(&budget, "a", {600, 0, {}});
  ASSERT_TRUE(waiting.answer && *waiting.answer);
  waiting.Reserve(&budget, "b", {600, 0, {}});
  EXPECT_FALSE(waiting.answer) << "must wait for what a gives back";
  budget.Apply(EventOf(EventKind::kLlmOutcome, "a", 100));
  waiting.Poll();
  ASSERT_TRUE(waiting.answer);
  EXPECT_TRUE(*waiting.answer);
  EXPECT_EQ(budget.spent().tokens(), 100);
  EXPECT_EQ(budget.reserved().tokens(), 600);
}

// What earlier versions stored as the provider told it must not turn the sum negative and let everything through.
TEST(BudgetTest, AbsurdUsageUsesTheBudgetUp) {
  Waiting waiting;
  Budget budget({1000, std::nullopt});
  for (const char* call : {"a", "b"}) {
    EventDraft outcome = EventOf(EventKind::kLlmOutcome, call, INT64_MAX);
    outcome.completion_tokens = INT64_MAX;
    outcome.cost_microusd = INT64_MAX;
    budget.Apply(outcome);
  }
  EXPECT_TRUE(budget.overdrawn());
  EXPECT_EQ(budget.spent().tokens(), INT64_MAX);
  EXPECT_EQ(budget.spent().microusd, INT64_MAX);
  waiting.Reserve(&budget, "c", {1, 0, {}});
  ASSERT_TRUE(waiting.answer);
  EXPECT_EQ(waiting.answer->error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(UpperBound(1 << 20, 1 << 20, {1e300, 1e300}).microusd, INT64_MAX);
}

TEST(BudgetTest, UsedUpIsToldOnceNothingCanComeBack) {
  Waiting waiting;
  Budget budget({1000, std::nullopt});
  budget.Apply(EventOf(EventKind::kLlmOutcome, "a", 900));
  waiting.Reserve(&budget, "b", {200, 0, {}});
  ASSERT_TRUE(waiting.answer);
  ASSERT_FALSE(*waiting.answer);
  EXPECT_EQ(waiting.answer->error().code, ErrorCode::kResourceExhausted);
  EXPECT_FALSE(budget.overdrawn());
  budget.Apply(EventOf(EventKind::kLlmLost, "c", 200));
  EXPECT_TRUE(budget.overdrawn());
}

TEST(BudgetTest, CancelEndsTheWait) {
  Waiting waiting;
  std::stop_source cancel;
  Budget budget({1000, std::nullopt});
  waiting.Reserve(&budget, "a", {900, 0, {}});
  waiting.Reserve(&budget, "b", {900, 0, {}}, cancel.get_token());
  EXPECT_FALSE(waiting.answer);
  cancel.request_stop();
  waiting.Poll();
  ASSERT_TRUE(waiting.answer);
  EXPECT_EQ(waiting.answer->error().code, ErrorCode::kCancelled);
}

TEST(BudgetTest, MoneyIsCountedFromEvents) {
  Waiting waiting;
  Prices prices{2.0, 10.0};
  Amount bound = UpperBound(1000, 500, prices);
  EXPECT_EQ(bound.microusd, 1000 * 2 + 500 * 10);
  Budget budget({std::nullopt, 0.01});
  EventDraft intent = EventOf(EventKind::kLlmIntent, "a");
  intent.payload = R"({"reserved_tokens":1500,"reserved_microusd":7000})";
  budget.Apply(intent);
  EXPECT_EQ(budget.reserved().microusd, 7000);
  EventDraft outcome = EventOf(EventKind::kLlmOutcome, "a", 10);
  outcome.cost_microusd = 9500;
  budget.Apply(outcome);
  EXPECT_EQ(budget.reserved().microusd, 0);
  waiting.Reserve(&budget, "b", {1, 0, 600});
  ASSERT_TRUE(waiting.answer);
  EXPECT_FALSE(*waiting.answer);
}

}  // namespace
}  // namespace passnet::agent
