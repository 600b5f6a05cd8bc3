#include "agent/campaign/lane_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "tests/fakes/fake_lane.h"

namespace passnet::agent {
namespace {

using testing::UnorderedElementsAre;

// Evaluations of all clients wait until the gate opens; who got what is written down.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::vector<std::string> entered;

  void Enter(const std::string& who) {
    std::unique_lock lock(mutex);
    entered.push_back(who);
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  }
  void WaitForEntered(size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered.size() == count; });
  }
  void OpenOnceEntered(size_t count) {
    WaitForEntered(count);
    std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

class GatedLane : public fakes::FakeLane {
 public:
  GatedLane(std::string name, Gate* gate) : FakeLane(std::make_shared<Log>()), name_(std::move(name)), gate_(gate) {}

  Result<evaluator::EvaluationReport> Evaluate(const evaluator::EvaluateRequest& request, Deadline deadline,
                                               const evaluator::ProgressFn& progress) override {
    gate_->Enter(name_ + " evaluates");
    return FakeLane::Evaluate(request, deadline, progress);
  }
  Result<evaluator::BaselineReport> Baseline(const evaluator::BaselineRequest& request, Deadline deadline,
                                             const evaluator::ProgressFn& progress) override {
    gate_->Enter(name_ + " measures a baseline");
    return FakeLane::Baseline(request, deadline, progress);
  }

 private:
  const std::string name_;
  Gate* const gate_;
};

class LanePoolTest : public testing::Test {
 protected:
  LanePoolTest() {
    std::vector<LanePool::Member> members;
    for (const char* name : {"first", "second"}) {
      auto start = [this, name](Deadline) -> Result<std::unique_ptr<evaluator::LaneClient>> {
        return std::unique_ptr<evaluator::LaneClient>(std::make_unique<GatedLane>(name, &gate_));
      };
      members.push_back({name, start});
    }
    pool_.emplace(std::move(members));
  }

  void Spawn(Task<void> task) { boost::asio::co_spawn(loop_, std::move(task), Rethrow); }
  static void Rethrow(std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  }
  // GCC 12 destroys temporaries of a co_await expression twice: every argument has a name.
  Task<void> Evaluate() {
    evaluator::EvaluateRequest request;
    std::stop_token never;
    auto report = co_await pool_->Evaluate(std::move(request), never);
    EXPECT_TRUE(report);
  }
  Task<void> Baseline() {
    evaluator::BaselineRequest request;
    std::stop_token never;
    auto report = co_await pool_->Baseline(std::move(request), never);
    EXPECT_TRUE(report);
  }

  // Everything is asked before anything is answered.
  void RunUntilEntered(size_t count) {
    std::thread opener([&] { gate_.OpenOnceEntered(count); });
    loop_.run();
    opener.join();
  }

  Gate gate_;
  boost::asio::io_context loop_;
  std::optional<LanePool> pool_;
};

TEST_F(LanePoolTest, SecondEvaluationGoesToTheIdleProcess) {
  Spawn(Evaluate());
  Spawn(Evaluate());
  RunUntilEntered(2);
  EXPECT_THAT(gate_.entered, UnorderedElementsAre("first evaluates", "second evaluates"));
}

TEST_F(LanePoolTest, BaselinesGoToTheLastAndEvaluationsBesideThem) {
  Spawn(Baseline());
  Spawn(Evaluate());
  RunUntilEntered(2);
  EXPECT_THAT(gate_.entered, UnorderedElementsAre("second measures a baseline", "first evaluates"));
}

class OneProcessTest : public testing::Test {
 protected:
  void Spawn(Task<void> task) {
    boost::asio::co_spawn(loop_, std::move(task), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
  }
  static Task<void> Evaluate(LanePool* pool, std::vector<std::string>* outcomes, std::stop_token cancel = {}) {
    evaluator::EvaluateRequest request;
    auto report = co_await pool->Evaluate(std::move(request), cancel);
    outcomes->emplace_back(report ? evaluator::VerdictName(report.value().verdict) : ErrorCodeName(report.error().code));
  }

  boost::asio::io_context loop_;
  std::vector<std::string> outcomes_;
};

TEST_F(OneProcessTest, IsStartedAgainAfterItWasLost) {
  auto log = std::make_shared<fakes::FakeLane::Log>();
  log->fail_evaluations = {Error{ErrorCode::kIo, "a full disk"}, InvalidArgument("model.py:3: nonsense")};
  auto start = [log](Deadline) -> Result<std::unique_ptr<evaluator::LaneClient>> {
    return std::unique_ptr<evaluator::LaneClient>(std::make_unique<fakes::FakeLane>(log));
  };
  LanePool pool(std::vector<LanePool::Member>{{"only", start}});
  for (int i = 0; i < 3; ++i) {
    Spawn(Evaluate(&pool, &outcomes_));
    loop_.restart();
    loop_.run();
  }
  EXPECT_THAT(outcomes_, testing::ElementsAre("io", "invalid_argument", "OK"));
  LaneFacts facts = pool.facts().at(0);
  EXPECT_EQ(facts.starts, 2) << "a lost process is replaced, one that refused a task is not";
  EXPECT_EQ(facts.served, 3);
  EXPECT_EQ(facts.state, "idle");
}

// The pool tries an evaluation again whose evaluator ended, and tells a candidate that ends them from a host that does.
TEST_F(OneProcessTest, CandidateThatEndsEvaluatorsIsJudgedAndTheNextOneMeasured) {
  auto log = std::make_shared<fakes::FakeLane::Log>();
  const Error died{ErrorCode::kUnavailable, "died"};
  log->fail_evaluations = {died, died, died};
  auto start = [log](Deadline) -> Result<std::unique_ptr<evaluator::LaneClient>> {
    return std::unique_ptr<evaluator::LaneClient>(std::make_unique<fakes::FakeLane>(log));
  };
  LanePool pool(std::vector<LanePool::Member>{{"only", start}});
  for (int i = 0; i < 3; ++i) {
    Spawn(Evaluate(&pool, &outcomes_));
    loop_.restart();
    loop_.run();
  }
  EXPECT_THAT(outcomes_, testing::ElementsAre("CRASH", "OK", "OK")) << "the second had an evaluator that ended once";
  EXPECT_EQ(pool.facts().at(0).starts, 1);
}

// Starting imports torch for seconds: a cancel meanwhile found no client to tell, and the evaluation ran to its end.
TEST_F(OneProcessTest, CancelWhileTheProcessStartsIsHeard) {
  std::stop_source cancel;
  auto log = std::make_shared<fakes::FakeLane::Log>();
  log->fail_evaluations = {InvalidArgument("was asked")};
  auto start = [log, &cancel](Deadline) -> Result<std::unique_ptr<evaluator::LaneClient>> {
    cancel.request_stop();
    return std::unique_ptr<evaluator::LaneClient>(std::make_unique<fakes::FakeLane>(log));
  };
  LanePool pool(std::vector<LanePool::Member>{{"only", start}});
  Spawn(Evaluate(&pool, &outcomes_, cancel.get_token()));
  loop_.run();
  EXPECT_THAT(outcomes_, testing::ElementsAre("cancelled"));
  EXPECT_EQ(log->fail_evaluations.size(), 1u) << "nobody waits for the answer";
}

TEST_F(OneProcessTest, FullQueueIsRefusedAndNotCounted) {
  Gate gate;
  LanePoolOptions options;
  options.queue_capacity = 1;
  auto start = [&gate](Deadline) -> Result<std::unique_ptr<evaluator::LaneClient>> {
    return std::unique_ptr<evaluator::LaneClient>(std::make_unique<GatedLane>("only", &gate));
  };
  LanePool pool(std::vector<LanePool::Member>{{"only", start}}, options);
  Spawn(Evaluate(&pool, &outcomes_));
  loop_.poll();
  gate.WaitForEntered(1);
  Spawn(Evaluate(&pool, &outcomes_));
  Spawn(Evaluate(&pool, &outcomes_));
  loop_.poll();
  EXPECT_THAT(outcomes_, testing::ElementsAre("overloaded"));
  EXPECT_EQ(pool.facts().at(0).queued, 1);
  gate.OpenOnceEntered(1);
  loop_.restart();
  loop_.run();
  EXPECT_THAT(outcomes_, testing::ElementsAre("overloaded", "OK", "OK"));
  EXPECT_EQ(pool.facts().at(0).queued, 0);
}

TEST_F(LanePoolTest, StateIsThatOfTheWhole) {
  EXPECT_EQ(pool_->state(), "idle");
  EXPECT_EQ(pool_->facts().size(), 2u);
}

}  // namespace
}  // namespace passnet::agent
