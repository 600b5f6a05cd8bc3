// A trajectory whose time is over while it waits for somebody: in time that passes where everybody sleeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <set>
#include <stop_token>

#include "agent/loop/refine_loop.h"
#include "base/event.h"
#include "tests/fakes/direct_port.h"
#include "tests/fakes/fake_lane.h"
#include "tests/fakes/fake_llm_client.h"
#include "tests/fakes/memory_journal.h"
#include "tests/fakes/virtual_time.h"

namespace passnet::agent {
namespace {

using dialects::RawReply;
using fakes::FakeLlmClient;
using fakes::ReplyWith;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using trajectories::EventKind;

// A lane that is not free for what the test says: "describe", "baseline", or "refine 2" for the second refine evaluation.
class QueuedPort : public EvaluationPort {
 public:
  explicit QueuedPort(evaluator::LaneClient* client) : port_(client) {}

  Task<Result<evaluator::EvaluationReport>> Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                     std::stop_token cancel) override {
    std::string what = request.purpose + " " + std::to_string(++asked_[request.purpose]);
    bool free = co_await WaitFor(std::move(what), asker.patience, cancel);
    if (!free) co_return Error{ErrorCode::kCancelled, "cancelled"};
    co_return co_await port_.Evaluate(std::move(asker), std::move(request), cancel);
  }
  Task<Result<evaluator::BaselineReport>> Baseline(Asker asker, evaluator::BaselineRequest request,
                                                   std::stop_token cancel) override {
    std::string what = "baseline";
    bool free = co_await WaitFor(std::move(what), asker.patience, cancel);
    if (!free) co_return Error{ErrorCode::kCancelled, "cancelled"};
    co_return co_await port_.Baseline(std::move(asker), std::move(request), cancel);
  }
  Task<Result<evaluator::TaskDescription>> DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override {
    std::string what = "describe";
    bool free = co_await WaitFor(std::move(what), asker.patience, cancel);
    if (!free) co_return Error{ErrorCode::kCancelled, "cancelled"};
    co_return co_await port_.DescribeTask(std::move(asker), std::move(request), cancel);
  }
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override {
    co_return co_await port_.Environment(cancel);
  }
  PortTally tally(const std::string& task) const override { return port_.tally(task); }

  void Hold(const std::string& what) { held_.insert(what); }
  void Free() {
    held_.clear();
    freed_.NotifyAll();
  }

 private:
  Task<bool> WaitFor(std::string what, std::stop_token patience, std::stop_token cancel) {
    std::stop_source ends;
    std::stop_callback impatient(patience, [&ends] { ends.request_stop(); });
    std::stop_callback cancelled(cancel, [&ends] { ends.request_stop(); });
    std::stop_token ended = ends.get_token();
    while (held_.contains(what) && !ends.stop_requested()) co_await freed_.Wait(ended);
    co_return !held_.contains(what);
  }

  fakes::DirectPort port_;
  std::map<std::string, int> asked_;
  std::set<std::string> held_;
  passnet::Event freed_;
};

class WallLimitTest : public ::testing::Test {
 protected:
  WallLimitTest() {
    options_.sampling.model = "m";
    options_.sampling.stream = false;
    options_.rounds.rounds = 3;
  }

  // The trajectory with an hour to live; after four the lane is free for everything.
  void Live(std::deque<RawReply> replies) {
    FakeLlmClient client(std::move(replies));
    LoopPorts ports;
    ports.journal = &journal_;
    ports.evaluation = &port_;
    ports.client = &client;
    ports.gate = gate_.get();
    ports.budget = budget_.get();
    ports.sleeper = &time_;
    ports.clock = &clock_;
    ports.jitter = [] { return 0.5; };
    TrajectoryPlan plan{"c-1", "t-1", "softmax", "/tasks/softmax", "hash", "http://localhost/v1"};
    plan.wall = WallLimit{clock_.UtcMicros() + 3'600'000'000, "budget.trajectory_wall_s", over_.get_token()};
    RefineLoop loop(plan, &options_, &prompts::ShippedPrompts(), ports, TrajectoryFold());
    boost::asio::io_context context;
    for (auto part : {&WallLimitTest::EndTheTime, &WallLimitTest::FreeTheLane}) {
      boost::asio::co_spawn(context, (this->*part)(), Rethrow);
    }
    boost::asio::co_spawn(context, Await(&loop), Rethrow);
    time_.Run(context);
    ASSERT_TRUE(ended_) << "the loop hangs";
    ASSERT_TRUE(*ended_) << ended_->error().context;
  }
  static void Rethrow(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  }
  Task<void> Await(RefineLoop* loop) {
    std::stop_token never;
    ended_ = co_await loop->Run(never, never);
    lasted_ = clock_.Now() - begin_;
  }
  Task<void> Sleep(Nanos span) {
    std::stop_token never;
    Deadline until = Deadline::After(span, clock_);
    co_await time_.SleepUntil(until, never);
  }
  Task<void> EndTheTime() {
    co_await Sleep(hours(1));
    over_.request_stop();
  }
  Task<void> FreeTheLane() {
    co_await Sleep(hours(4));
    port_.Free();
  }

  static RawReply Reply(const std::string& verdict, double speedup) {
    return FakeLlmClient::Text(ReplyWith(verdict, speedup));
  }
  static RawReply Limited(const std::string& seconds) {
    RawReply reply = FakeLlmClient::Answer(429, "{}");
    reply.headers["retry-after"] = seconds;
    return reply;
  }
  const trajectories::EventDraft& Finished() const { return journal_.Last(EventKind::kTrajectoryFinished); }
  int Final(int64_t round) { return lane_log_->evaluations[EvaluationId("t-1", round, "final", 0)]; }

  RefineOptions options_;
  fakes::FakeClock clock_;
  const SteadyTime begin_ = clock_.Now();
  fakes::VirtualTime time_{&clock_};
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>("http://localhost/v1", GateOptions{}, &clock_, &time_);
  std::shared_ptr<fakes::FakeLane::Log> lane_log_ = std::make_shared<fakes::FakeLane::Log>();
  fakes::FakeLane lane_{lane_log_};
  QueuedPort port_{&lane_};
  std::unique_ptr<Budget> budget_ = std::make_unique<Budget>(BudgetLimits());
  fakes::MemoryJournal journal_;
  std::stop_source over_;
  std::optional<Status> ended_;
  Nanos lasted_{0};
};

// The server asks for fifteen minutes again and again; the sixth quarter of an hour was waited out.
TEST_F(WallLimitTest, CallThatWaitsBeforeTheGateEndsAtTheMoment) {
  Live({Reply("OK", 1.5), Limited("600"), Limited("600"), Limited("600"), Limited("600"), Limited("600"),
        Limited("900"), Reply("OK", 9)});
  EXPECT_EQ(lasted_, hours(1));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_EQ(Final(1), 1);
  EXPECT_THAT(Finished().payload, HasSubstr("budget.trajectory_wall_s: the time is over"));
  EXPECT_EQ(journal_.Last(EventKind::kLlmOutcome).label, "cancelled");
  EXPECT_EQ(gate_->in_flight(), 0);
}

TEST_F(WallLimitTest, WaitForTheBudgetEndsAtTheMoment) {
  options_.sampling.max_tokens = 16;
  BudgetLimits limits;
  limits.total_tokens = 100'000;
  budget_ = std::make_unique<Budget>(limits);
  trajectories::EventDraft others;
  others.kind = EventKind::kLlmIntent;
  others.subject = "t-2/call-1";
  others.payload = R"({"reserved_tokens":99000})";
  budget_->Apply(others);
  Live({});
  EXPECT_EQ(lasted_, hours(1));
  EXPECT_EQ(Finished().label, "budget");
  EXPECT_EQ(journal_.Count(EventKind::kLlmIntent), 0);
}

TEST_F(WallLimitTest, LaterCandidateGivesItsPlaceInTheQueueUp) {
  port_.Hold("refine 2");
  Live({Reply("OK", 1.5), Reply("OK", 9)});
  EXPECT_EQ(lasted_, hours(1));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Final(1), 1);
  EXPECT_EQ(journal_.Last(EventKind::kBudget).label, "refuse");
}

TEST_F(WallLimitTest, FirstCandidateIsMeasuredWhateverTheTime) {
  port_.Hold("refine 1");
  Live({Reply("OK", 1.5), Reply("OK", 9)});
  EXPECT_EQ(lasted_, hours(4));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().score, 1.5);
}

TEST_F(WallLimitTest, BestCandidateIsMeasuredWhateverTheTime) {
  port_.Hold("refine 2");
  port_.Hold("final 1");
  Live({Reply("OK", 1.5), Reply("OK", 9)});
  EXPECT_EQ(lasted_, hours(4));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().score, 1.5);
}

TEST_F(WallLimitTest, NothingWaitsForALaneBeforeTheFirstCall) {
  port_.Hold("describe");
  port_.Hold("baseline");
  Live({Reply("OK", 9)});
  EXPECT_EQ(lasted_, hours(1));
  EXPECT_EQ(Finished().label, "budget");
  EXPECT_EQ(journal_.Count(EventKind::kLlmIntent), 0);
  EXPECT_THAT(journal_.Last(EventKind::kBaseline).payload, HasSubstr("the time is over"));
}

// The description fails for everybody, and is asked again and again.
TEST_F(WallLimitTest, WhatFailsForEverybodyIsNotAskedAgainAfterTheMoment) {
  for (int i = 0; i < 1000; ++i) lane_log_->fail_next.push_back(Error{ErrorCode::kIo, "a full disk"});
  options_.rounds.infra_attempts = 100'000;
  Live({Reply("OK", 9)});
  EXPECT_GE(lasted_, hours(1));
  EXPECT_LE(lasted_, hours(1) + minutes(1));
  EXPECT_EQ(Finished().label, "budget");
}

}  // namespace
}  // namespace passnet::agent
