#include "agent/campaign/lane_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_lane.h"
#include "tests/fakes/fake_llm_client.h"

namespace passnet::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

// Measurements of all clients wait until the gate opens; who got what is written down.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::string open_for;  // the lane that need not wait
  std::vector<std::string> entered;

  void Enter(const std::string& lane, const std::string& does) {
    std::unique_lock lock(mutex);
    entered.push_back(lane + " " + does);
    changed.notify_all();
    changed.wait(lock, [&] { return open || open_for == lane; });
  }
  void Open(bool for_all, const std::string& lane = "") {
    std::lock_guard lock(mutex);
    open = for_all;
    open_for = lane;
    changed.notify_all();
  }
  size_t Entered() {
    std::lock_guard lock(mutex);
    return entered.size();
  }
  void OpenOnceEntered(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered.size() == count; });
    open = true;
    changed.notify_all();
  }
};

class GatedLane : public fakes::FakeLane {
 public:
  GatedLane(std::string name, Gate* gate) : FakeLane(std::make_shared<Log>()), name_(std::move(name)), gate_(gate) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline deadline,
                                               const evaluator::ProgressFn& progress) override {
    gate_->Enter(name_, "evaluates " + request.task.path);
    return FakeLane::Evaluate(request, deadline, progress);
  }
  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline deadline,
                                             const evaluator::ProgressFn& progress) override {
    gate_->Enter(name_, "measures a baseline");
    return FakeLane::Baseline(request, deadline, progress);
  }

 private:
  const std::string name_;
  Gate* const gate_;
};

class LanePoolTest : public testing::Test {
 protected:
  LanePoolTest() {
    options_.clock = &clock_;
    options_.sleeper = &sleeper_;
  }

  void Spawn(Task<void> task) {
    boost::asio::co_spawn(loop_, std::move(task), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  void RunAll() {
    loop_.restart();
    loop_.run();
  }
  // Until `met`, which other threads bring about.
  void RunUntil(const std::function<bool()>& met) {
    loop_.restart();
    while (!met()) loop_.run_one_for(std::chrono::milliseconds(10));
  }
  // Everything is asked before anything is answered.
  void RunUntilEntered(size_t count) {
    std::thread opener([&] { gate_.OpenOnceEntered(count); });
    RunAll();
    opener.join();
  }

  // GCC 12 destroys temporaries of a co_await expression twice: every argument has a name.
  static Task<void> Evaluate(LanePool* pool, std::vector<std::string>* outcomes, std::string campaign = "c-1",
                             std::string task = "a", std::stop_token cancel = {}) {
    Asker asker{campaign, "t-1"};
    evaluator::EvaluateRequest request;
    request.evaluation_id = campaign;
    request.task.path = std::move(task);
    auto report = co_await pool->Evaluate(std::move(asker), std::move(request), cancel);
    outcomes->emplace_back(report ? evaluator::VerdictName(report.value().verdict) : ErrorCodeName(report.error().code));
  }
  // Its patience may end.
  static Task<void> EvaluateFor(LanePool* pool, std::vector<std::string>* outcomes, std::string who,
                                std::stop_token patience) {
    Asker asker{"c-1", "t-1", patience};
    evaluator::EvaluateRequest request;
    request.task.path = "a";
    std::stop_token never;
    auto report = co_await pool->Evaluate(std::move(asker), std::move(request), never);
    outcomes->push_back(who + " " + std::string(report ? "OK" : ErrorCodeName(report.error().code)));
  }
  static Task<void> Baseline(LanePool* pool, std::vector<std::string>* outcomes) {
    Asker asker{"c-1", "t-1"};
    evaluator::BaselineRequest request;
    std::stop_token never;
    auto report = co_await pool->Baseline(std::move(asker), std::move(request), never);
    outcomes->emplace_back(report ? "baseline" : ErrorCodeName(report.error().code));
  }
  static Task<void> Describe(LanePool* pool, std::vector<std::string>* outcomes) {
    Asker asker{"c-1", "t-1"};
    evaluator::DescribeTaskRequest request;
    std::stop_token never;
    auto task = co_await pool->DescribeTask(std::move(asker), std::move(request), never);
    outcomes->emplace_back(task ? "described" : ErrorCodeName(task.error().code));
  }
  static Task<void> Environment(LanePool* pool, std::vector<std::string>* outcomes) {
    std::stop_token never;
    auto environment = co_await pool->Environment(never);
    outcomes->emplace_back(environment ? environment.value().at("cpu") : environment.error().context);
  }
  static Task<void> Stop(LanePool* pool, std::vector<std::string>* outcomes) {
    pool->Stop();
    co_await pool->Ended();
    outcomes->emplace_back("stopped");
  }
  // What a campaign sees of the lanes, until they work again.
  static Task<void> Watch(LanePool* pool, std::vector<std::string>* seen) {
    std::stop_token never;
    do {
      co_await pool->changed().Wait(never);
      std::optional<Outage> outage = pool->outage();
      seen->emplace_back(outage ? outage->what + ": " + outage->reason : "works");
    } while (seen->back() != "works");
  }

  LaneSetup Gated(const std::string& name, int64_t processes = 1) {
    return {name, [this, name](Deadline, std::stop_token) -> Result<std::unique_ptr<evaluator::LaneClient>> {
              return std::unique_ptr<evaluator::LaneClient>(std::make_unique<GatedLane>(name, &gate_));
            }, processes};
  }
  static LaneSetup Plain(const std::string& name, std::shared_ptr<fakes::FakeLane::Log> log) {
    return {name, [log](Deadline, std::stop_token stop) { return fakes::StartFakeLane(log, stop); }};
  }
  LanePool* Open(std::vector<LaneSetup> lanes) {
    pool_ = std::make_unique<LanePool>(std::move(lanes), options_);
    return pool_.get();
  }
  LanePool* OpenTwoGated() { return Open({Gated("first"), Gated("second")}); }
  LanePool* OpenOne() { return Open({Plain("only", log_)}); }

  fakes::FakeClock clock_;
  fakes::FakeSleeper sleeper_{&clock_};
  LanePoolOptions options_;
  Gate gate_;
  std::shared_ptr<fakes::FakeLane::Log> log_ = std::make_shared<fakes::FakeLane::Log>();
  boost::asio::io_context loop_;
  std::unique_ptr<LanePool> pool_;
  std::vector<std::string> outcomes_;
};

TEST_F(LanePoolTest, SecondEvaluationGoesToTheIdleLane) {
  LanePool* pool = OpenTwoGated();
  Spawn(Evaluate(pool, &outcomes_));
  Spawn(Evaluate(pool, &outcomes_));
  RunUntilEntered(2);
  EXPECT_THAT(gate_.entered, UnorderedElementsAre("first evaluates a", "second evaluates a"));
  EXPECT_THAT(outcomes_, ElementsAre("OK", "OK"));
}

TEST_F(LanePoolTest, WorkGoesWhereItsTaskAndTheWarmInductorAre) {
  LanePool* pool = OpenTwoGated();
  Spawn(Evaluate(pool, &outcomes_, "c-1", "a"));
  Spawn(Evaluate(pool, &outcomes_, "c-1", "b"));
  RunUntilEntered(2);
  for (const char* task : {"b", "a"}) {
    Spawn(Evaluate(pool, &outcomes_, "c-1", task));
    RunAll();
  }
  Spawn(Baseline(pool, &outcomes_));
  RunAll();
  const std::vector<std::string> later(gate_.entered.begin() + 2, gate_.entered.end());
  const std::string b_at = gate_.entered[0].back() == 'b' ? gate_.entered[0] : gate_.entered[1];
  const std::string a_at = gate_.entered[0].back() == 'b' ? gate_.entered[1] : gate_.entered[0];
  EXPECT_THAT(later, ElementsAre(b_at, a_at, "second measures a baseline"));
  Spawn(Baseline(pool, &outcomes_));
  RunAll();
  EXPECT_EQ(gate_.entered.back(), "second measures a baseline");
}

TEST_F(LanePoolTest, BaselineLetsOthersPassWhileTheWarmProcessIsBusy) {
  LanePool* pool = OpenTwoGated();
  Spawn(Baseline(pool, &outcomes_));
  gate_.Open(true);
  RunAll();
  ASSERT_THAT(gate_.entered, ElementsAre("first measures a baseline")) << "the only one that is up";
  gate_.Open(false);
  Spawn(Evaluate(pool, &outcomes_, "c-1", "a"));
  Spawn(Evaluate(pool, &outcomes_, "c-1", "b"));
  RunUntil([&] { return gate_.Entered() == 3; });
  Spawn(Baseline(pool, &outcomes_));
  Spawn(Evaluate(pool, &outcomes_, "c-1", "c"));
  gate_.Open(false, "second");
  RunUntil([&] { return gate_.Entered() >= 4; });
  gate_.Open(true);
  RunAll();
  EXPECT_EQ(gate_.entered[3], "second evaluates c");
}

// A preference only: with nothing else to do it is measured where a process is free.
TEST_F(LanePoolTest, BaselineGoesToAnIdleProcessWhenNothingElseWaits) {
  LanePool* pool = OpenTwoGated();
  Spawn(Baseline(pool, &outcomes_));
  RunUntil([&] { return gate_.Entered() == 1; });
  Spawn(Baseline(pool, &outcomes_));
  RunUntil([&] { return gate_.Entered() == 2; });
  EXPECT_EQ(gate_.entered.back(), "second measures a baseline");
  gate_.Open(true);
  RunAll();
}

// One campaign had asked for everything before the other came.
TEST_F(LanePoolTest, CampaignsTakeTurns) {
  LanePool* pool = Open({Gated("only")});
  for (const char* task : {"a1", "a2", "a3", "a4"}) Spawn(Evaluate(pool, &outcomes_, "c-a", task));
  for (const char* task : {"b1", "b2"}) Spawn(Evaluate(pool, &outcomes_, "c-b", task));
  RunUntilEntered(1);
  EXPECT_THAT(gate_.entered, ElementsAre("only evaluates a1", "only evaluates b1", "only evaluates a2",
                                         "only evaluates b2", "only evaluates a3", "only evaluates a4"));
}

// The queue was bounded: of a thousand trajectories at once half ended within seconds.
TEST_F(LanePoolTest, ThousandRequestsWaitAndAreCounted) {
  LanePool* pool = Open({Gated("only")});
  for (int i = 0; i < 1000; ++i) Spawn(Evaluate(pool, &outcomes_));
  RunUntil([&] { return pool->facts().processes[0].state == "busy"; });
  EXPECT_EQ(pool->facts().waiting.at("c-1"), 999);
  EXPECT_EQ(pool->state(), "busy");
  gate_.Open(true);
  RunAll();
  EXPECT_EQ(outcomes_.size(), 1000u);
  EXPECT_THAT(outcomes_, testing::Each("OK"));
  EXPECT_TRUE(pool->facts().waiting.empty());
  EXPECT_EQ(pool->state(), "idle");
}

// 95 of 100 trajectories were gone within five seconds of a missing program.
TEST_F(LanePoolTest, WhileNoEvaluatorStartsEverythingWaitsAndThenGoesOn) {
  for (int i = 0; i < 20; ++i) log_->fail_starts.push_back(NotFound("start passnet-evaluator: No such file"));
  LanePool* pool = OpenOne();
  std::vector<std::string> seen;
  Spawn(Watch(pool, &seen));
  for (int i = 0; i < 100; ++i) Spawn(Evaluate(pool, &outcomes_));
  RunAll();
  EXPECT_EQ(outcomes_.size(), 100u);
  EXPECT_THAT(outcomes_, testing::Each("OK"));
  EXPECT_EQ(log_->starts, 21);
  EXPECT_EQ(seen.front(), "lane only#1: start passnet-evaluator: No such file");
  EXPECT_EQ(seen.back(), "works");
  // Ever more seldom, and once a minute in the end.
  EXPECT_EQ(sleeper_.slept().front(), std::chrono::seconds(1));
  EXPECT_EQ(sleeper_.slept().back(), std::chrono::seconds(60));
  EXPECT_EQ(pool->tally("another").failed_elsewhere, 0) << "nobody was told of a failure";
}

TEST_F(LanePoolTest, WhoeverAsksForTheEnvironmentIsToldWhyThereIsNone) {
  for (int i = 0; i < 3; ++i) log_->fail_starts.push_back(NotFound("start passnet-evaluator: No such file"));
  LanePool* pool = OpenOne();
  Spawn(Environment(pool, &outcomes_));
  RunAll();
  ASSERT_EQ(outcomes_.size(), 1u);
  EXPECT_THAT(outcomes_[0], HasSubstr("lane only#1: start passnet-evaluator: No such file; tried again at 20"));
  EXPECT_EQ(pool->state(), "idle") << "somebody had wanted one, so it was tried until it came up";
  Spawn(Environment(pool, &outcomes_));
  RunAll();
  EXPECT_EQ(outcomes_.back(), "fake");
}

// A restarted lane, or a second one, of another torch: its figures could not stand beside those of the first.
TEST_F(LanePoolTest, LaneOfAnotherEnvironmentServesNobody) {
  auto other = std::make_shared<fakes::FakeLane::Log>();
  other->environment["torch"] = "another";
  LanePool* pool = Open({Gated("first"), Plain("second", other)});
  Spawn(Evaluate(pool, &outcomes_));
  RunUntil([&] { return pool->facts().processes[0].state == "busy"; });
  Spawn(Evaluate(pool, &outcomes_));
  RunUntil([&] { return pool->facts().processes[1].outage.has_value(); });
  EXPECT_FALSE(pool->outage()) << "the first one works";
  gate_.Open(true);
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("OK", "OK"));
  EXPECT_TRUE(other->evaluations.empty());
  EXPECT_THAT(pool->facts().processes[1].last_error, HasSubstr("torch is none on the lanes in use and another on this one"));
}

TEST_F(LanePoolTest, ProcessIsStartedAgainAfterItWasLost) {
  log_->fail_evaluations = {Error{ErrorCode::kIo, "a full disk"}, InvalidArgument("model.py:3: nonsense")};
  LanePool* pool = OpenOne();
  for (int i = 0; i < 3; ++i) {
    Spawn(Evaluate(pool, &outcomes_));
    RunAll();
  }
  EXPECT_THAT(outcomes_, ElementsAre("io", "invalid_argument", "OK"));
  LaneFacts facts = pool->facts().processes.at(0);
  EXPECT_EQ(facts.starts, 2) << "a lost process is replaced, one that refused a task is not";
  EXPECT_EQ(facts.served, 3);
  EXPECT_EQ(facts.state, "idle");
  EXPECT_EQ(pool->tally("another").failed_elsewhere, 1);
  EXPECT_EQ(pool->tally("another").succeeded, 1);
}

// Samples of a task that ends every evaluator took one another's failures for the host's, and went on for ever.
TEST_F(LanePoolTest, FailuresAreCountedByTask) {
  const Error full{ErrorCode::kIo, "a full disk"};
  log_->fail_evaluations = {full, full};
  LanePool* pool = OpenOne();
  for (const char* task : {"a", "b", "b", "a"}) {
    Spawn(Evaluate(pool, &outcomes_, "c-1", task));
    RunAll();
    if (outcomes_.size() == 3) log_->fail_evaluations = {full};
  }
  ASSERT_THAT(outcomes_, ElementsAre("io", "io", "OK", "io"));
  const auto told = [pool](const std::string& task) {
    const PortTally tally = pool->tally(task);
    return std::vector<int64_t>{tally.succeeded, tally.failed_elsewhere, tally.failed_of_measured};
  };
  EXPECT_THAT(told("a"), ElementsAre(1, 1, 0));
  EXPECT_THAT(told("b"), ElementsAre(1, 2, 0));
  log_->fail_evaluations = {full};
  Spawn(Evaluate(pool, &outcomes_, "c-1", "b"));
  RunAll();
  EXPECT_THAT(told("a"), ElementsAre(1, 2, 1)) << "b could be measured before";
  EXPECT_THAT(told("b"), ElementsAre(1, 2, 0));
}

// A wall limit takes what waits, and lets what is worked on end.
TEST_F(LanePoolTest, WhoeverHasNoPatienceLeavesTheQueue) {
  LanePool* pool = Open({Gated("only")});
  std::stop_source over;
  Spawn(EvaluateFor(pool, &outcomes_, "served", over.get_token()));
  RunUntil([&] { return gate_.Entered() == 1; });
  Spawn(EvaluateFor(pool, &outcomes_, "waits", over.get_token()));
  Spawn(Evaluate(pool, &outcomes_, "c-2"));
  RunUntil([&] { return pool->facts().waiting.size() == 2; });
  over.request_stop();
  RunUntil([&] { return !outcomes_.empty(); });
  EXPECT_THAT(outcomes_, ElementsAre("waits cancelled"));
  EXPECT_EQ(pool->facts().waiting.size(), 1u);
  Spawn(EvaluateFor(pool, &outcomes_, "comes late", over.get_token()));
  RunUntil([&] { return outcomes_.size() == 2; });
  gate_.Open(true);
  RunAll();
  EXPECT_THAT(outcomes_, UnorderedElementsAre("waits cancelled", "comes late cancelled", "served OK", "OK"));
  Spawn(EvaluateFor(pool, &outcomes_, "finds it free", over.get_token()));
  RunAll();
  EXPECT_EQ(outcomes_.back(), "finds it free OK");
}

TEST_F(LanePoolTest, WhatADyingLaneWorkedOnIsTakenByTheNext) {
  const Error died{ErrorCode::kUnavailable, "died"};
  log_->fail_next = {died};
  LanePool* pool = OpenOne();
  Spawn(Describe(pool, &outcomes_));
  RunAll();
  log_->fail_next = {died, died};
  Spawn(Baseline(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("described", "unavailable")) << "what ends two evaluators is told";
  EXPECT_EQ(pool->facts().processes[0].starts, 3);
}

// Nothing that a candidate does may pass for a lane that is down, and a lane that is down judges no candidate.
TEST_F(LanePoolTest, EvaluationWhoseLaneDoesNotComeBackIsAskedAgain) {
  log_->fail_evaluations = {Error{ErrorCode::kUnavailable, "died"}};
  // Asked at the start, before the request, before its first try; the fourth time for the second try.
  log_->fail_environments.emplace(4, NotFound("start passnet-evaluator: No such file"));
  LanePool* pool = OpenOne();
  Spawn(Evaluate(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("OK"));
  EXPECT_EQ(log_->evaluations["c-1"], 2);
  EXPECT_EQ(log_->starts, 2);
}

// A device is shared by all: while somebody has to look at it, nothing ends, and what waits goes on afterwards.
TEST_F(LanePoolTest, QuarantinedDeviceIsAnOutageAndNobodysFailure) {
  const Error quarantined{ErrorCode::kUnavailable, "device GPU-0 is quarantined since noon: once a candidate had ended it did no work"};
  LanePool* pool = OpenOne();
  Spawn(Describe(pool, &outcomes_));
  RunAll();
  log_->fail_evaluations = {quarantined};
  log_->fail_environments.emplace(log_->environments + 3, quarantined);  // of the second try: its evaluator does not come up
  for (int i = 0; i < 10; ++i) log_->fail_starts.push_back(quarantined);
  std::vector<std::string> seen;
  Spawn(Watch(pool, &seen));
  for (int i = 0; i < 5; ++i) Spawn(Evaluate(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("described", "OK", "OK", "OK", "OK", "OK"));
  EXPECT_THAT(seen, testing::Contains(HasSubstr("device GPU-0 is quarantined since noon")));
  EXPECT_EQ(seen.back(), "works");
}

// The pool tries an evaluation again whose evaluator ended, and tells a candidate that ends them from a host that does.
TEST_F(LanePoolTest, CandidateThatEndsEvaluatorsIsJudgedAndTheNextOneMeasured) {
  const Error died{ErrorCode::kUnavailable, "died"};
  log_->fail_evaluations = {died, died, died};
  LanePool* pool = OpenOne();
  for (int i = 0; i < 3; ++i) {
    Spawn(Evaluate(pool, &outcomes_));
    RunAll();
  }
  EXPECT_THAT(outcomes_, ElementsAre("CRASH", "OK", "OK")) << "the second had an evaluator that ended once";
  EXPECT_EQ(pool->facts().processes.at(0).starts, 1);
}

// Evaluators that come up and then fail at whatever they are asked: a full disk.
TEST_F(LanePoolTest, LaneThatFailsEveryRequestIsAskedEverMoreSeldom) {
  for (int i = 0; i < 6; ++i) log_->fail_evaluations.push_back(Error{ErrorCode::kIo, "a full disk"});
  LanePool* pool = OpenOne();
  std::vector<std::string> seen;
  Spawn(Watch(pool, &seen));
  for (int i = 0; i < 8; ++i) Spawn(Evaluate(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("io", "io", "io", "io", "io", "io", "OK", "OK"));
  EXPECT_EQ(seen.front(), "lane only#1: a full disk");
  EXPECT_THAT(sleeper_.slept(), ElementsAre(std::chrono::seconds(1), std::chrono::seconds(2), std::chrono::seconds(4),
                                            std::chrono::seconds(8)));
}

// Starting imports torch for seconds: a cancel meanwhile was not heard.
TEST_F(LanePoolTest, CancelWhileTheProcessStartsEndsBoth) {
  log_->hang_starts_from = 1;
  LanePool* pool = OpenOne();
  std::stop_source cancel;
  Spawn(Evaluate(pool, &outcomes_, "c-1", "a", cancel.get_token()));
  RunUntil([&] { return pool->facts().processes[0].state == "starting"; });
  cancel.request_stop();
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("cancelled"));
  EXPECT_EQ(pool->facts().processes[0].state, "off");
  EXPECT_FALSE(pool->facts().processes[0].outage) << "a start that was given up tells nothing";
}

TEST_F(LanePoolTest, CancelIsHeardAtOnceAndTheProcessGoesOn) {
  log_->hang_evaluations = true;
  LanePool* pool = OpenOne();
  std::stop_source cancel;
  Spawn(Evaluate(pool, &outcomes_, "c-1", "a", cancel.get_token()));
  RunUntil([&] { return pool->facts().processes[0].state == "busy"; });
  cancel.request_stop();
  RunUntil([&] { return !outcomes_.empty(); });
  EXPECT_THAT(outcomes_, ElementsAre("cancelled"));
  RunAll();
  log_->hang_evaluations = false;
  Spawn(Evaluate(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, ElementsAre("cancelled", "OK"));
  EXPECT_EQ(pool->facts().processes[0].starts, 1);
}

TEST_F(LanePoolTest, StopEndsWhatStartsRunsAndWaits) {
  auto hanging = std::make_shared<fakes::FakeLane::Log>();
  hanging->hang_starts_from = 1;
  log_->hang_evaluations = true;
  LanePool* pool = Open({Plain("first", log_), Plain("second", hanging)});
  for (int i = 0; i < 3; ++i) Spawn(Evaluate(pool, &outcomes_));
  RunUntil([&] {
    return pool->facts().processes[0].state == "busy" && pool->facts().processes[1].state == "starting";
  });
  Spawn(Stop(pool, &outcomes_));
  RunAll();
  EXPECT_THAT(outcomes_, UnorderedElementsAre("cancelled", "cancelled", "cancelled", "stopped"));
  Spawn(Evaluate(pool, &outcomes_));
  Spawn(Environment(pool, &outcomes_));
  RunAll();
  EXPECT_EQ(outcomes_[4], "cancelled") << "nothing starts any more";
  EXPECT_EQ(log_->starts + hanging->starts, 2);
}

}  // namespace
}  // namespace passnet::agent
