// The loop over durable entries with an endpoint and a lane from a script.
#include "agent/loop/refine_loop.h"

#include <stop_token>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/fakes/direct_port.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_lane.h"
#include "tests/fakes/fake_llm_client.h"
#include "tests/fakes/memory_journal.h"

namespace passnet::agent {
namespace {

using dialects::RawReply;
using fakes::FakeLlmClient;
using fakes::ReplyWith;
using ::testing::HasSubstr;
using trajectories::EventKind;

// The dialect as a later build might render it: the same name and meaning, other bytes.
class LaterDialect : public dialects::Dialect {
 public:
  std::string_view name() const override { return dialects::OpenAiChat().name(); }
  std::string_view path() const override { return dialects::OpenAiChat().path(); }
  Result<std::string> RenderRequest(const dialects::ChatRequest& request) const override {
    ASSIGN_OR_RETURN(std::string body, dialects::OpenAiChat().RenderRequest(request));
    return body + "\n";
  }
  Result<std::vector<dialects::StoredMessage>> ReadMessages(std::string_view body) const override {
    return dialects::OpenAiChat().ReadMessages(body);
  }
  dialects::AttemptOutcome Interpret(const dialects::RawReply& reply) const override {
    return dialects::OpenAiChat().Interpret(reply);
  }
};

class RefineLoopTest : public ::testing::Test {
 protected:
  RefineLoopTest() {
    options_.sampling.model = "m";
    options_.sampling.stream = false;
    options_.rounds.rounds = 3;
    options_.rounds.plateau_rounds = 2;
  }

  // One life of the process: from what is stored until it ends.
  Status Live(std::deque<RawReply> replies, std::stop_token cancel = {}, std::stop_token pause = {}) {
    FakeLlmClient client(std::move(replies), *dialect_);
    client.OnTheWay(on_the_way_);
    auto fold = journal_.Fold();
    if (!fold) return fold.error();
    Budget budget(limits_);
    for (const auto& entry : journal_.entries()) budget.Apply(entry.event);
    LoopPorts ports;
    ports.journal = &journal_;
    ports.evaluation = &port_;
    ports.client = &client;
    ports.gate = gate_.get();
    ports.budget = &budget;
    ports.sleeper = &sleeper_;
    ports.clock = &clock_;
    ports.jitter = [] { return 0.5; };
    ports.hang_up = hang_up_.get_token();
    TrajectoryPlan plan{"c-1", "t-1", "softmax", "/tasks/softmax", "hash", "http://localhost/v1"};
    plan.sample = sample_;
    plan.wall = wall_;
    plan.restart = restart_;
    RefineLoop loop(plan, &options_, &texts_, ports, std::move(fold).value());
    std::optional<Status> ended;
    boost::asio::io_context context;
    boost::asio::co_spawn(context, Await(&loop, stop_.get_token(), cancel, pause, &ended), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context.run();
    bodies_ = client.bodies();
    return ended ? *ended : Status(Internal("the loop hangs"));
  }
  static Task<void> Await(RefineLoop* loop, std::stop_token stop, std::stop_token cancel, std::stop_token pause,
                          std::optional<Status>* ended) {
    *ended = co_await loop->Run(stop, cancel, pause);
  }

  // As a server does that limits somebody else's call.
  void SilenceGate(const std::string& seconds) {
    boost::asio::io_context context;
    boost::asio::co_spawn(context, BeLimited(gate_.get(), seconds), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    context.run();
  }
  static Task<void> BeLimited(Gate* gate, std::string seconds) {
    GateTurn turn;
    turn.campaign = "c-other";
    std::stop_token never;
    Result<Gate::Permit> permit = co_await gate->Acquire(std::move(turn), never);
    RawReply reply = FakeLlmClient::Answer(429, "{}");
    reply.headers["retry-after"] = seconds;
    permit.value().Settle(dialects::OpenAiChat().Interpret(reply), reply);
  }

  static RawReply Reply(const std::string& verdict, double speedup) {
    return FakeLlmClient::Text(ReplyWith(verdict, speedup));
  }
  const trajectories::EventDraft& Finished() const { return journal_.Last(EventKind::kTrajectoryFinished); }

  RefineOptions options_;
  BudgetLimits limits_;
  int64_t sample_ = 1;
  std::optional<WallLimit> wall_;
  std::optional<Restart> restart_;
  prompts::PromptTexts texts_ = prompts::ShippedPrompts();
  fakes::FakeClock clock_;
  fakes::FakeSleeper sleeper_{&clock_};
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>("http://localhost/v1", GateOptions{}, &clock_, &sleeper_);
  std::shared_ptr<fakes::FakeLane::Log> lane_log_ = std::make_shared<fakes::FakeLane::Log>();
  fakes::FakeLane lane_{lane_log_};
  fakes::DirectPort port_{&lane_};
  fakes::MemoryJournal journal_;
  const dialects::Dialect* dialect_ = &dialects::OpenAiChat();
  std::stop_source stop_;
  std::stop_source hang_up_;
  std::function<void()> on_the_way_;  // while a request is on its way
  std::vector<std::string> bodies_;
};

TEST_F(RefineLoopTest, FeedbackReachesTheModelAndTheBestIsMeasuredAgain) {
  ASSERT_TRUE(Live({Reply("COMPILE", 1), Reply("OK", 1.5), Reply("INCORRECT", 1)}));
  ASSERT_EQ(bodies_.size(), 3u);
  EXPECT_THAT(bodies_[0], HasSubstr("Task: softmax"));
  EXPECT_THAT(bodies_[1], HasSubstr("error: 'x' was not declared"));
  EXPECT_THAT(bodies_[2], HasSubstr("verdict=OK score=1.5000"));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().round, 2);
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_EQ(lane_log_->evaluations.size(), 4u);
  EXPECT_EQ(lane_log_->evaluations[EvaluationId("t-1", 2, "final", 0)], 1);
  EXPECT_EQ(journal_.Count(EventKind::kBaseline), 1);
}

TEST_F(RefineLoopTest, TimeCapsReachTheLane) {
  options_.rounds.rounds = 1;
  options_.scoring.refine_time_cap_ms = 300;
  options_.scoring.final_time_cap_ms = 700;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(lane_log_->time_caps["refine"], std::chrono::milliseconds(300));
  EXPECT_EQ(lane_log_->time_caps["final"], std::chrono::milliseconds(700));
  EXPECT_EQ(lane_log_->time_caps["baseline"], std::chrono::milliseconds(700));
}

TEST_F(RefineLoopTest, WrongFormatIsToldAndCostsARound) {
  ASSERT_TRUE(Live({FakeLlmClient::Text("I will not."), Reply("OK", 1.5), Reply("OK", 2)}));
  EXPECT_THAT(bodies_[1], HasSubstr("could not be read as a pass_dir: there is no line"));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().round, 3);
}

TEST_F(RefineLoopTest, PlateauEndsTheTrajectory) {
  options_.rounds.rounds = 10;
  ASSERT_TRUE(Live({Reply("OK", 1.5), Reply("OK", 1.51), Reply("OK", 1.52), Reply("OK", 9)}));
  EXPECT_EQ(bodies_.size(), 3u);
  EXPECT_THAT(Finished().payload, HasSubstr("plateau"));
  EXPECT_EQ(Finished().round, 3);
}

TEST_F(RefineLoopTest, TheModelMaySayThatItIsDone) {
  ASSERT_TRUE(Live({Reply("OK", 1.5), FakeLlmClient::Text("I leave it so.\\n\\n#### DONE"), Reply("OK", 9)}));
  EXPECT_EQ(bodies_.size(), 2u);
  EXPECT_EQ(journal_.Last(EventKind::kReplyParsed).label, "done");
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().round, 1);
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_THAT(Finished().payload, HasSubstr("the model says that it is done"));
}

TEST_F(RefineLoopTest, NobodyIsDoneBeforeARoundWasScored) {
  ASSERT_TRUE(Live({FakeLlmClient::Text("#### DONE"), Reply("OK", 1.5), Reply("OK", 1.5)}));
  EXPECT_THAT(bodies_[1], HasSubstr("no round was scored yet"));
  EXPECT_EQ(Finished().round, 2);
}

TEST_F(RefineLoopTest, FeedbackTellsWhatInductorReached) {
  ASSERT_TRUE(Live({Reply("COMPILE", 1), Reply("OK", 1.5), Reply("OK", 1.2)}));
  EXPECT_THAT(bodies_[1], HasSubstr("inductor=1.200x"));
  EXPECT_EQ(journal_.Count(EventKind::kBaseline), 1);
  options_.scoring.baseline = false;
  journal_ = fakes::MemoryJournal();
  ASSERT_TRUE(Live({Reply("OK", 1.5), Reply("OK", 1.5), Reply("OK", 1.5)}));
  EXPECT_THAT(bodies_[1], testing::Not(HasSubstr("inductor")));
  EXPECT_EQ(journal_.Count(EventKind::kBaseline), 0);
}

TEST_F(RefineLoopTest, NothingReadableIsUnsolvedWithoutAFinalMeasurement) {
  ASSERT_TRUE(Live({FakeLlmClient::Text("a"), FakeLlmClient::Text("b"), FakeLlmClient::Text("c")}));
  EXPECT_EQ(Finished().label, "unsolved");
  EXPECT_FALSE(Finished().score);
  EXPECT_TRUE(lane_log_->evaluations.empty());
}

TEST_F(RefineLoopTest, LaneFailureIsAskedAgainUnderTheSameId) {
  lane_log_->fail_next = {Error{ErrorCode::kUnavailable, "describe"}};
  lane_log_->fail_evaluations = {Error{ErrorCode::kUnavailable, "died"}};
  options_.rounds.rounds = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(lane_log_->evaluations[EvaluationId("t-1", 1, "refine", 0)], 2);
  EXPECT_EQ(journal_.Count(EventKind::kEvaluationInfra), 1);
  EXPECT_EQ(journal_.Count(EventKind::kEvaluationIntent), 2);
}

// Others are measured on the same lanes meanwhile, so it is this trajectory's own.
TEST_F(RefineLoopTest, FailuresThatNobodyElseHasAreInfraAndNeverAScore) {
  for (int i = 0; i < 9; ++i) lane_log_->fail_next.push_back(Error{ErrorCode::kUnavailable, "died"});
  port_.others_meanwhile.succeeded = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_FALSE(Finished().score);
  EXPECT_EQ(journal_.Last(EventKind::kInfra).label, "infra_lane");
  EXPECT_EQ(lane_log_->fail_next.size(), 6u) << "three attempts";
}

// Three failures of the lanes ended every trajectory that asked them.
TEST_F(RefineLoopTest, FailuresThatEverybodyHasAreWaitedOut) {
  options_.rounds.rounds = 1;
  for (int i = 0; i < 40; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kIo, "a full disk"});
  port_.others_meanwhile.failed_elsewhere = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(journal_.Count(EventKind::kEvaluationInfra), 40);
}

// With nobody else there is no telling for whom the lane fails.
TEST_F(RefineLoopTest, LoneTrajectoryWaitsTenMinutesForItsLane) {
  const SteadyTime begin = clock_.Now();
  for (int i = 0; i < 90; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kUnavailable, "died"});
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_GT(clock_.Now() - begin, std::chrono::minutes(10));
  EXPECT_LT(clock_.Now() - begin, std::chrono::minutes(11));
}

// Another task had failed once, and was gone: it was waited for, for ever.
TEST_F(RefineLoopTest, OneFailureElsewhereIsNotWaitedOutForEver) {
  const SteadyTime begin = clock_.Now();
  for (int i = 0; i < 200; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kUnavailable, "died"});
  port_.others_meanwhile.failed_elsewhere = port_.others_meanwhile.failed_of_measured = 1;
  port_.others_times = 10;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_GT(clock_.Now() - begin, std::chrono::minutes(12)) << "ten minutes from the last of them";
  EXPECT_LT(clock_.Now() - begin, std::chrono::minutes(16));
}

// Two tasks that end every evaluator, when all others are done.
TEST_F(RefineLoopTest, TasksThatNeverCouldBeMeasuredDoNotKeepEachOther) {
  const SteadyTime begin = clock_.Now();
  for (int i = 0; i < 500; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kUnavailable, "died"});
  port_.Begin({100, 0, 0});
  port_.others_meanwhile.failed_elsewhere = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_GE(clock_.Now() - begin, std::chrono::hours(2));
  EXPECT_LT(clock_.Now() - begin, std::chrono::hours(3));
}

// A host that fails everybody is waited out, by a task that could not be measured before it did too.
TEST_F(RefineLoopTest, FailuresOfMeasuredTasksAreTheHosts) {
  options_.rounds.rounds = 1;
  for (int i = 0; i < 500; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kIo, "a full disk"});
  port_.Begin({100, 0, 0});
  port_.others_meanwhile.failed_elsewhere = port_.others_meanwhile.failed_of_measured = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_GT(clock_.Now().time_since_epoch(), std::chrono::hours(4));
}

// A candidate that takes all the time there is may not hold the lanes for longer because everybody else has trouble.
TEST_F(RefineLoopTest, DeadlinesAreTheTrajectorysOwn) {
  for (int i = 0; i < 9; ++i) lane_log_->fail_evaluations.push_back(Error{ErrorCode::kDeadlineExceeded, "no answer"});
  port_.others_meanwhile.failed_elsewhere = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_EQ(lane_log_->fail_evaluations.size(), 6u);
}

TEST_F(RefineLoopTest, MalformedTaskIsNotAskedAgain) {
  lane_log_->fail_next = {InvalidArgument("model.py:3: nonsense")};
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(journal_.Last(EventKind::kInfra).label, "infra_task");
  EXPECT_EQ(Finished().label, "infra");
}

// A refused key ended the whole campaign.
TEST_F(RefineLoopTest, RefusedKeyIsWaitedForUntilItIsMended) {
  options_.rounds.rounds = 1;
  const RawReply refused = FakeLlmClient::Answer(401, R"({"error":{"message":"bad key","code":"invalid_api_key"}})");
  ASSERT_TRUE(Live({refused, refused, refused, Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(journal_.Count(EventKind::kLlmAttempt), 4);
}

TEST_F(RefineLoopTest, EndpointThatStaysDownIsInfraAfterItsTime) {
  options_.retry.give_up_after = std::chrono::minutes(10);
  const SteadyTime begin = clock_.Now();
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_THAT(Finished().payload, HasSubstr("the endpoint did not answer in time"));
  EXPECT_GE(clock_.Now() - begin, std::chrono::minutes(10));
  EXPECT_LE(clock_.Now() - begin, std::chrono::minutes(12));
  EXPECT_EQ(journal_.Last(EventKind::kLlmOutcome).label, "cancelled");
}

// It was counted anew: a daemon that was restarted every other day never gave up.
TEST_F(RefineLoopTest, TimeOfAFailingCallGoesOnOverRestarts) {
  options_.retry.give_up_after = std::chrono::hours(3);
  journal_.StampWith(&clock_);
  journal_.DieWith(201, /*durable=*/true);
  SteadyTime begin = clock_.Now();
  ASSERT_FALSE(Live({}));
  ASSERT_GT(clock_.Now() - begin, std::chrono::minutes(30));
  ASSERT_LT(clock_.Now() - begin, std::chrono::hours(2));
  journal_.Live();
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_GE(clock_.Now() - begin, std::chrono::hours(3));
  EXPECT_LT(clock_.Now() - begin, std::chrono::hours(3) + std::chrono::minutes(5));
}

// Its network comes up a moment after the daemon.
TEST_F(RefineLoopTest, HostThatWasOffForDaysTriesForSomeMinutes) {
  options_.retry.give_up_after = std::chrono::hours(3);
  options_.rounds.rounds = 1;
  journal_.StampWith(&clock_);
  journal_.DieWith(9, /*durable=*/true);
  ASSERT_FALSE(Live({}));
  clock_.Advance(std::chrono::hours(96));
  journal_.Live();
  RawReply down;
  down.end = dialects::ExchangeEnd::kConnectFailed;
  ASSERT_TRUE(Live({down, down, down, Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
}

// 5 of 55 trajectories that ended so had a scored pass, which nobody measured.
TEST_F(RefineLoopTest, BestSoFarIsMeasuredBeforeAnEndThatIsOurs) {
  options_.retry.give_up_after = std::chrono::minutes(10);
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "infra") << "its other rounds are missing";
  EXPECT_EQ(lane_log_->evaluations[EvaluationId("t-1", 1, "final", 0)], 1);
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_EQ(Finished().round, 1);
}

TEST_F(RefineLoopTest, FinalMeasurementThatFailsEndsTheTrajectory) {
  options_.rounds.rounds = 1;
  journal_.DieWith(9, /*durable=*/true);
  ASSERT_FALSE(Live({Reply("OK", 1.5)}));
  ASSERT_EQ(journal_.Count(EventKind::kEvaluationReport), 1);
  journal_.Live();
  lane_log_->fail_evaluations = std::vector<Error>(9, InvalidArgument("no such folder"));
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_FALSE(Finished().score);
  EXPECT_EQ(lane_log_->evaluations[EvaluationId("t-1", 1, "final", 0)], 1);
}

TEST_F(RefineLoopTest, PauseTakesNoFurtherStepAndTheNextLifeGoesOn) {
  std::stop_source pause;
  pause.request_stop();
  Status paused = Live({Reply("OK", 1.5)}, {}, pause.get_token());
  ASSERT_FALSE(paused);
  EXPECT_EQ(paused.error().code, ErrorCode::kCancelled);
  EXPECT_TRUE(bodies_.empty());
  EXPECT_EQ(journal_.Count(EventKind::kOperatorAction), 0);
  options_.rounds.rounds = 1;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
}

// Three graceful restarts made 48 requests for 24 replies.
TEST_F(RefineLoopTest, StopWaitsForTheReplyOnItsWayAndTheNextLifeGoesOnFromIt) {
  options_.rounds.rounds = 1;
  on_the_way_ = [this] { stop_.request_stop(); };
  Status stopped = Live({Reply("OK", 1.5), Reply("OK", 9)});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(bodies_.size(), 1u);
  EXPECT_EQ(journal_.entries().back().event.kind, EventKind::kLlmOutcome) << "nothing further began";
  EXPECT_EQ(journal_.entries().back().event.label, "accepted");
  stop_ = std::stop_source();
  on_the_way_ = nullptr;
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(journal_.Count(EventKind::kLlmAttempt), 1);
}

TEST_F(RefineLoopTest, StopMakesNoFurtherAttempt) {
  on_the_way_ = [this] { stop_.request_stop(); };
  ASSERT_FALSE(Live({FakeLlmClient::Answer(500, ""), Reply("OK", 1.5)}));
  EXPECT_EQ(bodies_.size(), 1u);
  EXPECT_EQ(journal_.entries().back().event.label, "overloaded");
}

// Whatever comes later than the daemon's patience lasts is given up, told as perhaps billed, and asked for again.
TEST_F(RefineLoopTest, ReplyThatIsNotThereInTimeIsThrownAwayAndCounted) {
  options_.rounds.rounds = 1;
  on_the_way_ = [this] {
    stop_.request_stop();
    hang_up_.request_stop();
  };
  ASSERT_FALSE(Live({Reply("OK", 1.5)}));
  const auto& end = journal_.Last(EventKind::kLlmAttemptEnd);
  EXPECT_EQ(end.label, "cancelled");
  EXPECT_TRUE(end.completion_tokens) << "it may have been billed";
  stop_ = std::stop_source();
  hang_up_ = std::stop_source();
  on_the_way_ = nullptr;
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(journal_.Count(EventKind::kLlmIntent), 1) << "the same call";
  EXPECT_EQ(journal_.Count(EventKind::kLlmAttempt), 2);
}

// The operator's cancel does not wait for what nobody wants any more.
TEST_F(RefineLoopTest, CancelHangsUp) {
  std::stop_source cancel;
  on_the_way_ = [&cancel] { cancel.request_stop(); };
  ASSERT_TRUE(Live({Reply("OK", 1.5)}, cancel.get_token()));
  EXPECT_EQ(Finished().label, "cancelled");
  EXPECT_EQ(journal_.Last(EventKind::kLlmOutcome).label, "cancelled");
}

TEST_F(RefineLoopTest, BudgetEndsWithTheBestSoFar) {
  options_.sampling.max_tokens = 1000;
  std::deque<RawReply> replies = {Reply("INCORRECT", 1), Reply("OK", 1.5), Reply("OK", 3)};
  ASSERT_TRUE(Live(replies));
  ASSERT_EQ(bodies_.size(), 3u);
  // Room for the first call's reservation (a token for each byte, and the reply's), not for the longer second one.
  limits_.total_tokens = static_cast<int64_t>(bodies_[0].size()) + 1000 + 100;
  journal_ = fakes::MemoryJournal();
  ASSERT_TRUE(Live(replies));
  EXPECT_EQ(bodies_.size(), 1u);
  EXPECT_EQ(Finished().label, "budget");
  EXPECT_TRUE(Finished().score) << "the best so far is still measured";
  EXPECT_EQ(journal_.Last(EventKind::kBudget).label, "refuse");
}

TEST_F(RefineLoopTest, UnknownUsageIsSettledAtTheReservation) {
  options_.rounds.rounds = 1;
  RawReply reply = FakeLlmClient::Answer(
      200, R"({"id":"r","choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"x"}}]})");
  ASSERT_TRUE(Live({reply}));
  const auto& outcome = journal_.Last(EventKind::kLlmOutcome);
  EXPECT_THAT(outcome.payload, HasSubstr(R"("usage_source":"reserved")"));
  EXPECT_EQ(*outcome.completion_tokens, options_.sampling.max_tokens);
  EXPECT_GT(*outcome.prompt_tokens, 1000);
}

// The request used to be rendered a second time for sending: a build that renders otherwise sent what no intent named.
TEST_F(RefineLoopTest, ResumeUnderALaterBuildSendsTheJournaledBytes) {
  const LaterDialect later;
  options_.rounds.rounds = 1;
  journal_.DieWith(3, /*durable=*/true);
  ASSERT_FALSE(Live({}));
  ASSERT_EQ(journal_.entries().back().event.kind, EventKind::kLlmIntent);
  const std::string journaled = journal_.entries().back().contents.at("request");
  ASSERT_TRUE(bodies_.empty());
  journal_.Live();
  dialect_ = &later;
  ASSERT_TRUE(Live({FakeLlmClient::Answer(429, "{}"), Reply("OK", 1.5)}));
  ASSERT_EQ(bodies_.size(), 2u);
  EXPECT_EQ(bodies_[0], journaled);
  EXPECT_EQ(bodies_[1], journaled) << "a further attempt of the same call";
  EXPECT_EQ(Finished().label, "solved");
  // The later build's own calls are rendered its way, and journaled so.
  journal_ = fakes::MemoryJournal();
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(bodies_[0], journaled + "\n");
}

TEST_F(RefineLoopTest, IntentOfAnUnknownDialectIsCorruptData) {
  options_.rounds.rounds = 1;
  journal_.DieWith(3, /*durable=*/true);
  ASSERT_FALSE(Live({}));
  TrajectoryFold fold;
  Status applied = OkStatus();
  for (JournalEntry entry : journal_.entries()) {
    size_t name = entry.event.payload.find("openai-chat");
    if (name != std::string::npos) entry.event.payload.replace(name, 11, "no-such-one");
    applied = fold.Apply(entry.event, [&](const std::string& content) -> Result<std::string> {
      return entry.contents.at(content);
    });
  }
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, ErrorCode::kDataCorrupt);
  EXPECT_THAT(applied.error().context, HasSubstr("no-such-one"));
}

// The reply is durable before it is read: a daemon that died of it would die of it at every start.
TEST_F(RefineLoopTest, HostileReplyIsSurvivedNowAndAfterARestart) {
  options_.rounds.rounds = 1;
  const std::string nested(1'000'000, '[');
  std::deque<RawReply> replies;
  for (int i = 0; i < 5; ++i) {
    replies.push_back(FakeLlmClient::Answer(200, nested));
    replies.push_back(FakeLlmClient::Answer(200, "{\"choices\":" + nested));
  }
  ASSERT_TRUE(Live(replies));
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_TRUE(journal_.Fold());
  // Killed between the durable reply and its interpretation.
  journal_ = fakes::MemoryJournal();
  journal_.DieWith(5, /*durable=*/true);
  ASSERT_FALSE(Live(replies));
  ASSERT_EQ(journal_.entries().back().event.label, "received");
  journal_.Live();
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(Finished().label, "solved");
}

TEST_F(RefineLoopTest, CancelEndsAtOnce) {
  std::stop_source cancel;
  cancel.request_stop();
  ASSERT_TRUE(Live({Reply("OK", 1.5)}, cancel.get_token()));
  EXPECT_EQ(Finished().label, "cancelled");
  EXPECT_TRUE(bodies_.empty());
}

class KilledLoopTest : public RefineLoopTest, public ::testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(BeforeAndAfterTheCommit, KilledLoopTest, ::testing::Bool());

// The process dies with every single append in turn; the next life goes on. Whatever the moment: each evaluation has
// one report, the outcome is the same, at most the call in flight is asked again, and it is listed.
TEST_P(KilledLoopTest, GoesOnAfterEachStep) {
  for (int appends = 1;; ++appends) {
    journal_ = fakes::MemoryJournal();
    lane_log_->evaluations.clear();
    options_.rounds.rounds = 2;
    journal_.DieWith(appends, GetParam());
    std::deque<RawReply> replies = {Reply("COMPILE", 1), Reply("OK", 1.5)};
    Status first = Live(replies);
    size_t sent = bodies_.size();
    if (first) {
      EXPECT_GT(appends, 15) << "the loop must have died many times before it got through";
      return;
    }
    journal_.Live();
    // The endpoint goes on with what has not arrived yet; a reply that has is never asked for again.
    for (const auto& entry : journal_.entries()) {
      if (entry.event.label == "received") replies.pop_front();
    }
    ASSERT_TRUE(Live(replies)) << "after " << appends;
    EXPECT_EQ(Finished().label, "solved") << "after " << appends;
    EXPECT_EQ(Finished().round, 2) << "after " << appends;
    EXPECT_EQ(journal_.Count(EventKind::kTrajectoryFinished), 1);
    std::map<std::string, int> reports;
    for (const auto& entry : journal_.entries()) {
      if (entry.event.kind == EventKind::kEvaluationReport) ++reports[entry.event.subject];
    }
    EXPECT_EQ(reports.size(), 3u);
    for (const auto& [id, count] : reports) EXPECT_EQ(count, 1) << id;
    auto lost = static_cast<size_t>(journal_.Count(EventKind::kLlmLost));
    EXPECT_LE(lost, 1u);
    EXPECT_LE(sent + bodies_.size(), 2 + lost) << "a call was paid twice without being listed, after " << appends;
  }
}

TEST_F(RefineLoopTest, StartNamesTheSample) {
  sample_ = 3;
  ASSERT_TRUE(Live({Reply("OK", 2), Reply("OK", 2), Reply("OK", 2)}));
  EXPECT_EQ(journal_.Last(EventKind::kTrajectoryStarted).label, "3");
  EXPECT_THAT(journal_.Last(EventKind::kTrajectoryStarted).payload, HasSubstr(R"("sample":3)"));
}

TEST_F(RefineLoopTest, TokensOfATrajectoryAreALimitAndItsBestIsMeasured) {
  options_.budget.tokens = 15;  // what one reply of the script costs
  options_.sampling.max_tokens = 1;
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "budget");
  EXPECT_THAT(Finished().payload, HasSubstr("budget.trajectory_tokens: 0 are used of 15"));
}

TEST_F(RefineLoopTest, NextCallThatCouldBreakTheLimitIsNotMade) {
  options_.sampling.max_tokens = 16;
  options_.budget.tokens = 1'000'000;
  ASSERT_TRUE(Live({Reply("OK", 1.5), Reply("OK", 2), Reply("OK", 2)}));
  const auto first = static_cast<int64_t>(bodies_.at(0).size());
  // Enough for the first call and not for the second, whose request is longer.
  options_.budget.tokens = first + 16;
  journal_ = fakes::MemoryJournal();
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(bodies_.size(), 1u);
  EXPECT_EQ(Finished().label, "solved") << "its best was measured";
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_THAT(Finished().payload, HasSubstr("budget.trajectory_tokens: 15 are used of"));
}

TEST_F(RefineLoopTest, MoneyOfATrajectoryIsALimit) {
  options_.prices = {1.0, 1.0};
  options_.budget.usd = 0.000001;
  ASSERT_TRUE(Live({}));
  EXPECT_THAT(Finished().payload, HasSubstr("budget.trajectory_usd"));
}

// The sleeper moves the clock: the endpoint's trouble takes the time that is left.
TEST_F(RefineLoopTest, NoFurtherAttemptOnceTheTimeIsOver) {
  wall_ = WallLimit{clock_.UtcMicros() + 1000, "budget.wall_s"};
  const RawReply trouble = FakeLlmClient::Answer(503, "{}");
  ASSERT_TRUE(Live({Reply("OK", 1.5), trouble, Reply("OK", 2)}));
  EXPECT_EQ(bodies_.size(), 2u);
  EXPECT_EQ(Finished().label, "solved");
  EXPECT_EQ(Finished().score, 1.5);
  EXPECT_THAT(Finished().payload, HasSubstr("budget.wall_s: the time is over"));
}

// The wait before the gate took the time.
TEST_F(RefineLoopTest, NoFirstAttemptOnceTheTimeIsOver) {
  SilenceGate("60");
  wall_ = WallLimit{clock_.UtcMicros() + 30'000'000, "budget.wall_s"};
  ASSERT_TRUE(Live({Reply("OK", 2)}));
  EXPECT_TRUE(bodies_.empty());
  EXPECT_EQ(Finished().label, "budget");
}

// What an earlier sample ended with is content of the first event: a life that would choose another shows the same.
// same.
TEST_F(RefineLoopTest, StartingPointIsDurableWithTheStart) {
  restart_ = Restart{"t-0", {"OK", 1.25, {{"A.py", "first = 1\n"}}}};
  journal_.DieWith(1, /*durable=*/true);
  ASSERT_FALSE(Live({}));
  ASSERT_EQ(journal_.Count(EventKind::kTrajectoryStarted), 1);
  journal_.Live();
  restart_ = Restart{"t-9", {"OK", 9, {{"B.py", "second = 2\n"}}}};
  ASSERT_TRUE(Live({Reply("OK", 1.5), Reply("OK", 1.5), Reply("OK", 1.5)}));
  EXPECT_THAT(bodies_.at(0), HasSubstr("verdict=OK score=1.2500"));
  EXPECT_THAT(bodies_[0], HasSubstr("first = 1"));
  EXPECT_THAT(bodies_[0], testing::Not(HasSubstr("second = 2")));
  EXPECT_THAT(journal_.Last(EventKind::kTrajectoryStarted).payload,
              HasSubstr(R"("start":{"trajectory_id":"t-0","verdict":"OK","score":1.25})"));
}

// It ended the campaign.
TEST_F(RefineLoopTest, PromptThatDoesNotFitIsTheTrajectorysOwnTrouble) {
  texts_["refine_feedback"] = "{{nonsense}}";
  ASSERT_TRUE(Live({Reply("OK", 1.5)}));
  EXPECT_EQ(journal_.Last(EventKind::kInfra).label, "infra_prompt");
  EXPECT_EQ(Finished().label, "infra");
  EXPECT_EQ(Finished().score, 1.5) << "its best was measured";
}

TEST_F(RefineLoopTest, NoCallOnceTheTimeIsOver) {
  wall_ = WallLimit{clock_.UtcMicros(), "budget.trajectory_wall_s"};
  ASSERT_TRUE(Live({}));
  EXPECT_EQ(Finished().label, "budget");
  EXPECT_THAT(Finished().payload, HasSubstr("budget.trajectory_wall_s"));
}

}  // namespace
}  // namespace passnet::agent
