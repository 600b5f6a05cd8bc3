// Campaigns over a real journal, with an endpoint and a lane from a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <future>
#include <map>
#include <set>
#include <stop_token>

#include "agent/campaign/lane_pool.h"
#include "agent/campaign/manager.h"
#include "agent/campaign/report.h"
#include "agent/campaign/store_journal.h"
#include "agent/loop/payloads.h"
#include "agent/replay/agent_replay.h"
#include "agent/replay/fold_check.h"
#include "agent/replay/regrade.h"
#include "base/ids.h"
#include "base/json.h"
#include "tests/fakes/fake_lane.h"
#include "tests/fakes/fake_llm_client.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"
#include "tests/trajectories/fault_vfs.h"
#include "trajectories/database.h"
#include "trajectories/verify.h"

namespace passnet::agent {
namespace {

using fakes::FakeLlmClient;
using fakes::ReplyWith;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using trajectories::EventKind;

// Answers when it is let, or never.
class SlowLlmClient : public LlmClient {
 public:
  SlowLlmClient(Nanos latency, int* asked) : latency_(latency), asked_(*asked) {}
  const dialects::Dialect& dialect() const override { return dialects::OpenAiChat(); }
  Task<dialects::RawReply> Send(dialects::WireRequest, AttemptLimits, std::stop_token cancel) override {
    ++asked_;
    auto sleeper = LoopSleeper();
    Deadline until = Deadline::After(latency_);
    const bool answered = co_await sleeper->SleepUntil(until, cancel);
    dialects::RawReply reply = FakeLlmClient::Text(ReplyWith("OK", 2));
    if (!answered) {
      reply = dialects::RawReply();
      reply.sent = true;
      reply.end = dialects::ExchangeEnd::kCancelled;
    }
    co_return reply;
  }

 private:
  const Nanos latency_;
  int& asked_;
};

class CampaignTest : public ::testing::Test {
 protected:
  CampaignTest() { path_ = (folder_ / "journal.db").native(); }

  CampaignSpec Spec() const {
    CampaignSpec spec;
    spec.name = "test";
    spec.tasks = {fakes::SourceDir() + "/tasks", {"rope", "swiglu"}};
    spec.endpoint.base_url = "http://127.0.0.1:1/v1";
    spec.concurrency = 1;
    spec.refine.sampling.model = "m";
    spec.refine.sampling.stream = false;
    spec.refine.rounds.rounds = 1;
    spec.refine.scoring.final_time_cap_ms = 700;
    return spec;
  }

  using Script = std::function<Task<void>(CampaignManager*)>;
  // Beside the script, while campaigns run; may be empty.
  std::function<Task<void>(StoreJournal*)> watch_;

  // One life of a daemon: the script runs, then every campaign ends by itself.
  void Live(Script script, std::deque<dialects::RawReply> replies) {
    trajectories::StoreOptions options;
    options.path = path_;
    options.vfs = vfs_;
    auto store = trajectories::Store::Open(options);
    ASSERT_TRUE(store) << store.error().context;
    boost::asio::io_context loop;
    WorkPool pool("test", 1, 64);
    auto sleeper = LoopSleeper();
    GateOptions quick;
    quick.breaker = {3, std::chrono::milliseconds(2), std::chrono::milliseconds(5)};
    quick.first_lasting_wait = quick.longest_lasting_wait = std::chrono::milliseconds(20);
    GateRegistry gates(quick, &Clock::System(), sleeper.get());
    auto start = [log = lane_log_, fails = failing_starts_](
                     Deadline, std::stop_token stop) -> Result<std::unique_ptr<evaluator::LaneClient>> {
      if (fails->fetch_sub(1) > 0) return Error{ErrorCode::kIo, "no such binary"};
      return fakes::StartFakeLane(log, stop);
    };
    LanePool lanes(std::vector<LaneSetup>{{"fake", start}});
    StoreJournal journal(store.value().get(), &pool, sleeper.get(), &Clock::System(), std::chrono::milliseconds(5));
    CampaignPorts ports;
    ports.journal = journal_hook_ ? journal_hook_(&journal) : &journal;
    ports.evaluation = port_hook_ ? port_hook_(&lanes) : &lanes;
    ports.gates = &gates;
    ports.park = {Nanos(0), Nanos(0), std::chrono::hours(1), std::chrono::milliseconds(2), std::chrono::milliseconds(5),
                  std::chrono::milliseconds(1)};
    const EndpointBook endpoints(endpoints_, true);
    ports.endpoints = &endpoints;
    ports.sleeper = sleeper_ != nullptr ? sleeper_ : sleeper.get();
    ports.clock = clock_;
    ports.pool = &pool;
    ports.jitter = [] { return 0.0; };
    ports.open_endpoint = [this, &replies](EndpointOptions) -> Result<std::unique_ptr<LlmClient>> {
      if (latency_) return std::unique_ptr<LlmClient>(std::make_unique<SlowLlmClient>(*latency_, &asked_));
      return std::unique_ptr<LlmClient>(std::make_unique<FakeLlmClient>(replies));
    };
    CampaignManager manager(loop.get_executor(), ports, {path_, {"0", "test"}, 4});
    boost::asio::co_spawn(loop, script(&manager), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    if (watch_) {
      boost::asio::co_spawn(loop, watch_(&journal), [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
    }
    loop.run();
  }

  // Frees the disk once the journal waits for it.
  static Task<void> HealWhenItWaits(StoreJournal* journal, bool* waited) {
    auto sleeper = LoopSleeper();
    while (journal->waiting() == 0) {
      std::stop_token never;
      Deadline until = Deadline::After(std::chrono::milliseconds(1));
      co_await sleeper->SleepUntil(until, never);
    }
    *waited = true;
    trajectories::FaultVfs::Get().Heal();
  }

  static Task<void> LaunchOne(CampaignManager* manager, CampaignSpec spec, std::string* id, std::string* error) {
    Result<std::string> launched = co_await manager->Launch(std::move(spec));
    if (launched) {
      *id = launched.value();
    } else {
      *error = launched.error().context;
    }
  }
  static Task<void> LaunchAndStop(CampaignManager* manager, CampaignSpec spec, std::string* id, std::string* error) {
    co_await LaunchOne(manager, std::move(spec), id, error);
    co_await manager->Stop();
  }
  static Task<void> WaitUntil(std::function<bool()> met) {
    auto sleeper = LoopSleeper();
    while (!met()) {
      std::stop_token never;
      Deadline until = Deadline::After(std::chrono::milliseconds(1));
      co_await sleeper->SleepUntil(until, never);
    }
  }
  trajectories::CampaignState StateOf(const std::string& id) const {
    return trajectories::Reader::Open(path_).value()->Campaign(id).value();
  }
  static Task<void> ResumeAll(CampaignManager* manager) {
    Status resumed = co_await manager->Resume();
    EXPECT_TRUE(resumed);
  }

  static Task<void> ResumeAndTell(CampaignManager* manager, std::map<std::string, std::string>* quarantined) {
    co_await ResumeAll(manager);
    *quarantined = manager->quarantined();
  }

  static Task<void> LaunchAndPause(CampaignManager* manager, CampaignSpec spec, std::string* id, std::string* error) {
    co_await LaunchOne(manager, std::move(spec), id, error);
    std::string campaign = *id;
    std::string who = "test";
    Status paused = co_await manager->PauseCampaign(std::move(campaign), std::move(who));
    EXPECT_TRUE(paused);
  }

  // While its calls wait for an endpoint that is not there.
  static Task<void> LaunchAndPauseLater(CampaignManager* manager, CampaignTest* test) {
    co_await LaunchOne(manager, test->Spec(), &test->id_, &test->error_);
    auto parked = [test] { return test->StateOf(test->id_).state == "parked"; };
    co_await WaitUntil(std::move(parked));
    std::string campaign = test->id_;
    std::string who = "test";
    Status paused = co_await manager->PauseCampaign(std::move(campaign), std::move(who));
    EXPECT_TRUE(paused);
  }
  static Task<void> PauseThenCancel(CampaignManager* manager, CampaignTest* test, CampaignSpec spec, bool at_once) {
    const int64_t under_way = spec.concurrency;
    co_await LaunchOne(manager, std::move(spec), &test->id_, &test->error_);
    auto parked = [test, under_way] {
      const auto state = test->StateOf(test->id_);
      return state.state == "parked" && state.trajectories_started == under_way;
    };
    co_await WaitUntil(std::move(parked));
    auto executor = co_await boost::asio::this_coro::executor;
    if (at_once) {
      boost::asio::co_spawn(executor, CancelOne(manager, test->id_), [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
      });
    }
    std::string campaign = test->id_;
    std::string who = "test";
    Status paused = co_await manager->PauseCampaign(std::move(campaign), std::move(who));
    EXPECT_TRUE(paused);
    if (!at_once) co_await CancelOne(manager, test->id_);
  }
  static Task<void> CancelOne(CampaignManager* manager, std::string id) {
    std::string who = "test";
    Status cancelled = co_await manager->Cancel(std::move(id), std::move(who));
    EXPECT_TRUE(cancelled);
  }
  // The second one while the first one's key is refused.
  static Task<void> LaunchTwo(CampaignManager* manager, CampaignTest* test, std::string* first) {
    co_await LaunchOne(manager, test->Spec(), first, &test->error_);
    auto parked = [test, first] { return test->StateOf(*first).state == "parked"; };
    co_await WaitUntil(std::move(parked));
    co_await LaunchOne(manager, test->Spec(), &test->id_, &test->error_);
  }
  static Task<void> AppendTo(StoreJournal* journal, JournalEntries entries, std::optional<Status>* appended) {
    std::stop_token never;
    *appended = co_await journal->Append(std::move(entries), never);
  }

  using Operate = Task<Status> (CampaignManager::*)(std::string, std::string);
  static Task<void> ResumeAllAnd(CampaignManager* manager, Operate operate, std::string id, std::string* error) {
    co_await ResumeAll(manager);
    std::string who = "test";
    Status done = co_await (manager->*operate)(std::move(id), std::move(who));
    if (!done) *error = done.error().context;
  }
  static Task<void> RetryOne(CampaignManager* manager, std::string id, int64_t* again, std::string* error) {
    co_await ResumeAll(manager);
    std::string who = "test";
    Result<int64_t> retried = co_await manager->RetryInfra(std::move(id), std::move(who));
    if (retried) *again = retried.value();
    if (!retried) *error = retried.error().context;
  }

  static Task<void> ResumeAndLaunch(CampaignManager* manager, CampaignSpec spec, std::string* id, std::string* error) {
    co_await ResumeAll(manager);
    co_await LaunchOne(manager, std::move(spec), id, error);
  }

  Script Launching(CampaignSpec spec) {
    return [this, spec](CampaignManager* manager) { return LaunchOne(manager, spec, &id_, &error_); };
  }

  // Every trajectory can be made again from the journal; how many events were taken as others had decided them.
  int64_t ReplayTaken() {
    auto reader = trajectories::Reader::Open(path_).value();
    const Launch launch = LoadLaunch(*reader, id_).value();
    int64_t taken = 0;
    for (const auto& state : AllTrajectories(*reader, id_).value()) {
      auto replay = ReplayTrajectory(*reader, launch, state);
      EXPECT_TRUE(replay) << replay.error().context;
      if (!replay) continue;
      const auto& difference = replay.value().difference;
      EXPECT_FALSE(difference) << difference->kind << " " << difference->field;
      taken += replay.value().taken;
    }
    return taken;
  }

  // What the campaign's own chain says, in order: labels of campaign_state and operator_action.
  std::vector<std::string> Labels() {
    std::vector<std::string> labels;
    auto reader = trajectories::Reader::Open(path_);
    EXPECT_TRUE(reader);
    auto events = reader.value()->Chain(id_, "");
    EXPECT_TRUE(events);
    for (const auto& event : events.value()) {
      const auto kind = event.body.kind;
      if (kind == EventKind::kCampaignState || kind == EventKind::kOperatorAction) labels.push_back(event.body.label);
    }
    return labels;
  }

  // An event of the journal as no daemon of ours would have written it.
  void StoreEvent(EventKind kind, const std::string& payload, const std::string& trajectory_id = "",
                  const std::string& subject = "", const std::string& label = "") {
    trajectories::StoreOptions options;
    options.path = path_;
    auto store = trajectories::Store::Open(options);
    ASSERT_TRUE(store) << store.error().context;
    trajectories::EventDraft event;
    event.campaign_id = id_;
    event.trajectory_id = trajectory_id;
    event.kind = kind;
    event.subject = subject;
    event.label = label;
    event.payload = payload;
    trajectories::Batch batch;
    ASSERT_TRUE(batch.Add(std::move(event)));
    ASSERT_TRUE(store.value()->Append(batch));
  }

  void StoreEntry(const JournalEntry& entry) {
    trajectories::StoreOptions options;
    options.path = path_;
    auto store = trajectories::Store::Open(options);
    ASSERT_TRUE(store) << store.error().context;
    trajectories::Batch batch;
    trajectories::EventDraft event = entry.event;
    for (const auto& [name, bytes] : entry.contents) event.refs.push_back({name, batch.AddBlob(bytes).value()});
    ASSERT_TRUE(batch.Add(std::move(event)));
    ASSERT_TRUE(store.value()->Append(batch));
  }

  CampaignReport Report() {
    auto reader = trajectories::Reader::Open(path_);
    EXPECT_TRUE(reader);
    auto report = BuildReport(*reader.value(), id_);
    EXPECT_TRUE(report) << report.error().context;
    return report ? std::move(report).value() : CampaignReport();
  }

  const fakes::TempFolder folder_{"campaign"};
  std::string path_;
  std::string vfs_;
  std::vector<EndpointConfig> endpoints_;
  const Clock* clock_ = &Clock::System();
  Sleeper* sleeper_ = nullptr;  // of campaigns; null: timers of the loop
  std::function<Journal*(Journal*)> journal_hook_;
  std::function<EvaluationPort*(EvaluationPort*)> port_hook_;
  std::optional<Nanos> latency_;  // of an endpoint that answers "OK", in place of the script
  int asked_ = 0;                 // of it
  std::string id_;
  std::string error_;
  std::shared_ptr<std::atomic<int>> failing_starts_ = std::make_shared<std::atomic<int>>(0);
  std::shared_ptr<fakes::FakeLane::Log> lane_log_ = std::make_shared<fakes::FakeLane::Log>();
};

TEST_F(CampaignTest, RunsEveryTaskAndReports) {
  Live(Launching(Spec()), {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text("no files")});
  ASSERT_EQ(error_, "");
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "finished");
  ASSERT_EQ(report.tasks.size(), 2u);
  EXPECT_EQ(report.tasks[0].task, "rope");
  EXPECT_EQ(report.tasks[0].outcome, "solved");
  EXPECT_NEAR(*report.tasks[0].speedup, 2, 1e-9);
  EXPECT_NEAR(*report.tasks[0].inductor_speedup, 1.2, 1e-9);
  EXPECT_EQ(report.tasks[1].outcome, "unsolved");
  EXPECT_EQ(report.n_scored, 2);
  EXPECT_EQ(report.n_infra, 0);
  // One graph at 2x, one that failed: the geometric mean at t = -5.
  EXPECT_NEAR(report.campaign.es.at(-5), std::sqrt(2 * 0.1), 1e-9);
  EXPECT_NEAR(report.inductor.es.at(-5), 1.2, 1e-9);
  EXPECT_THAT(ToJson(report), HasSubstr(R"("schema":"passnet.campaign_report/1")"));
  EXPECT_THAT(ToJson(report), HasSubstr(R"("time_cap_ms":700)"));
  auto verified = trajectories::Verify({path_, "", {}});
  ASSERT_TRUE(verified);
  EXPECT_FALSE(verified.value().first) << verified.value().first->detail;
}

// "rope#1 seed 7", in the order of the calls.
std::vector<std::string> CallsOf(const std::string& path, const std::string& campaign_id) {
  auto reader = trajectories::Reader::Open(path).value();
  std::vector<std::string> calls;
  trajectories::EventQuery query;
  query.campaign_id = campaign_id;
  for (const auto& event : reader->Events(query).value()) {
    if (event.body.kind != EventKind::kLlmIntent) continue;
    auto state = reader->Trajectory(event.body.trajectory_id).value();
    Json request = ParseJson(reader->Content(event.body.refs.at(0).sha256).value()).value();
    calls.push_back(state.task + "#" + std::to_string(state.sample) + " seed " + request["seed"].Dump());
  }
  return calls;
}

TEST_F(CampaignTest, EveryTaskHasItsFirstSampleBeforeAnyHasItsSecond) {
  CampaignSpec spec = Spec();
  spec.samples = 2;
  spec.refine.sampling.seed = 7;
  const auto good = FakeLlmClient::Text(ReplyWith("OK", 2));
  const auto bad = FakeLlmClient::Text("no files");
  Live(Launching(spec), {good, bad, bad, good});
  ASSERT_EQ(error_, "");
  EXPECT_THAT(CallsOf(path_, id_),
              ElementsAre("rope#1 seed 7", "swiglu#1 seed 7", "rope#2 seed 8", "swiglu#2 seed 8"));
  CampaignReport report = Report();
  EXPECT_EQ(report.n_scored, 4);
  ASSERT_EQ(report.by_task.size(), 2u);
  EXPECT_EQ(report.by_task[0].solved, 1);
  // The fake's candidates are not close at the three strictest levels, which weigh 0.001 each.
  EXPECT_NEAR(*report.by_task[0].best_score, 2, 0.01);
  EXPECT_EQ(report.campaign.tasks, 2);
  // Of each task one sample of two: any one draw solves half of them, both draws solve all.
  ASSERT_EQ(report.statistics.pass_at.size(), 2u);
  EXPECT_DOUBLE_EQ(report.statistics.pass_at[0].interval.value, 0.5);
  EXPECT_DOUBLE_EQ(report.statistics.pass_at[1].interval.value, 1);
  EXPECT_NEAR(report.statistics.best_at[0].interval.value, *report.campaign.aggregated_score, 1e-9);
  EXPECT_NEAR(report.statistics.best_at[1].interval.value, 2, 0.01);
  EXPECT_EQ(report.verdicts, (std::map<std::string, int64_t>{{"OK", 2}, {"no candidate", 2}}));
}

TEST_F(CampaignTest, TaskStopsOnceEnoughOfItsSamplesAreSolved) {
  CampaignSpec spec = Spec();
  spec.samples = 3;
  spec.stop_after_solved = 1;
  const auto good = FakeLlmClient::Text(ReplyWith("OK", 2));
  const auto bad = FakeLlmClient::Text("no files");
  Live(Launching(spec), {good, bad, bad, bad});
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "finished");
  EXPECT_EQ(report.state.trajectories_started, 4);
  EXPECT_EQ(report.n_scored, 4);
  EXPECT_EQ(report.n_skipped, 2);
  EXPECT_EQ(report.n_unfinished, 0);
  EXPECT_TRUE(report.statistics.pass_at.empty()) << "an estimate from tasks that stop at a success is biased";
}

// Until so many trajectories of the journal have ended; then the daemon stops.
Task<void> LaunchAndStopAfter(CampaignManager* manager, CampaignSpec spec, std::string path, int64_t finished) {
  Result<std::string> launched = co_await manager->Launch(std::move(spec));
  EXPECT_TRUE(launched);
  auto reader = trajectories::Reader::Open(path).value();
  auto sleeper = LoopSleeper();
  while (reader->Campaign(launched.value()).value().trajectories_finished < finished) {
    std::stop_token never;
    Deadline until = Deadline::After(std::chrono::milliseconds(1));
    co_await sleeper->SleepUntil(until, never);
  }
  co_await manager->Stop();
}

// The user's part of the first request of each trajectory, in the order of the calls.
std::vector<std::string> FirstPromptsOf(const std::string& path, const std::string& campaign_id) {
  auto reader = trajectories::Reader::Open(path).value();
  std::vector<std::string> prompts;
  trajectories::EventQuery query;
  query.campaign_id = campaign_id;
  for (const auto& event : reader->Events(query).value()) {
    if (event.body.kind != EventKind::kPromptRendered) continue;
    for (const auto& ref : event.body.refs) {
      if (ref.name == "user") prompts.push_back(reader->Content(ref.sha256).value());
    }
  }
  return prompts;
}

TEST_F(CampaignTest, LaterSamplesMayStartFromTheBestOfEarlierOnes) {
  CampaignSpec spec = Spec();
  spec.tasks.include = {"rope"};
  spec.samples = 4;
  spec.restart = RestartKind::kBest;
  const auto stop_after_two = [this, spec](CampaignManager* manager) {
    return LaunchAndStopAfter(manager, spec, path_, 2);
  };
  Live(stop_after_two, {FakeLlmClient::Text("no files"), FakeLlmClient::Text(ReplyWith("OK", 2)),
                        FakeLlmClient::Text(ReplyWith("OK", 1.5)), FakeLlmClient::Text("no files")});
  id_ = trajectories::Reader::Open(path_).value()->Campaigns(0, 1).value().at(0).campaign_id;
  Live([](CampaignManager* manager) { return ResumeAll(manager); },
       {FakeLlmClient::Text(ReplyWith("OK", 1.5)), FakeLlmClient::Text(ReplyWith("OK", 1))});
  const std::vector<std::string> prompts = FirstPromptsOf(path_, id_);
  ASSERT_EQ(prompts.size(), 4u);
  EXPECT_THAT(prompts[0], Not(HasSubstr("Where you start from")));
  EXPECT_THAT(prompts[1], Not(HasSubstr("Where you start from"))) << "nothing was solved yet";
  EXPECT_THAT(prompts[2], HasSubstr("verdict=OK score=2.0000"));
  EXPECT_THAT(prompts[2], HasSubstr("\"speedup\": 2.0"));
  EXPECT_THAT(prompts[3], HasSubstr("score=2.0000")) << "not the later one of 1.5, and after a restart too";
  EXPECT_EQ(Report().n_scored, 4);
  EXPECT_EQ(ReplayTaken(), 0);
}

// With room for all of them at once nothing would have ended when the last one begins.
TEST_F(CampaignTest, SamplesThatStartFromTheBestComeOneAfterAnother) {
  CampaignSpec spec = Spec();
  spec.samples = 3;
  spec.restart = RestartKind::kBest;
  spec.concurrency = 6;
  const auto good = FakeLlmClient::Text(ReplyWith("OK", 2));
  Live(Launching(spec), std::deque<dialects::RawReply>(6, good));
  ASSERT_EQ(error_, "");
  auto reader = trajectories::Reader::Open(path_).value();
  trajectories::EventQuery query;
  query.campaign_id = id_;
  std::map<std::string, std::vector<std::string>> order;  // by task
  for (const auto& event : reader->Events(query).value()) {
    const bool ends = event.body.kind == EventKind::kTrajectoryFinished;
    if (!ends && event.body.kind != EventKind::kTrajectoryStarted) continue;
    const auto state = reader->Trajectory(event.body.trajectory_id).value();
    order[state.task].push_back(std::to_string(state.sample) + (ends ? " ends" : " starts"));
  }
  for (const auto& [task, events] : order) {
    EXPECT_THAT(events, ElementsAre("1 starts", "1 ends", "2 starts", "2 ends", "3 starts", "3 ends")) << task;
  }
  CampaignReport report = Report();
  EXPECT_EQ(report.n_scored, 6);
  EXPECT_TRUE(report.statistics.pass_at.empty()) << "they are no draws of the same";
}

TEST_F(CampaignTest, RestartsStopOnceEnoughAreSolvedHoweverMuchRoomThereIs) {
  CampaignSpec spec = Spec();
  spec.samples = 3;
  spec.restart = RestartKind::kBest;
  spec.stop_after_solved = 1;
  spec.concurrency = 6;
  Live(Launching(spec), std::deque<dialects::RawReply>(6, FakeLlmClient::Text(ReplyWith("OK", 2))));
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().state.trajectories_started, 2);
  EXPECT_EQ(Report().n_skipped, 4);
}

// A hundred times as fast as the real one.
class FastTime : public Clock, public Sleeper {
 public:
  SteadyTime Now() const override { return begin_ + 100 * (Clock::System().Now() - begin_); }
  int64_t UtcMicros() const override {
    return utc_us_ + std::chrono::duration_cast<std::chrono::microseconds>(Now() - begin_).count();
  }
  Task<bool> SleepUntil(Deadline until, std::stop_token cancel) override {
    const bool never = until.at() == SteadyTime::max();
    Deadline real = never ? until : Deadline::After((until.at() - Now()) / 100);
    co_return co_await timers_->SleepUntil(real, cancel);
  }

 private:
  const SteadyTime begin_ = Clock::System().Now();
  const int64_t utc_us_ = Clock::System().UtcMicros();
  const std::unique_ptr<Sleeper> timers_ = LoopSleeper();
};

// The server asks for a quarter of an hour of silence: the wall limit was looked at after it.
TEST_F(CampaignTest, WallLimitEndsWhatWaitsForTheEndpoint) {
  FastTime time;
  clock_ = &time;
  sleeper_ = &time;
  CampaignSpec spec = Spec();
  spec.tasks.include = {"rope"};
  spec.refine.rounds.rounds = 3;
  spec.refine.budget.wall_s = 30;
  dialects::RawReply limited = FakeLlmClient::Answer(429, "{}");
  limited.headers["retry-after"] = "900";
  Live(Launching(spec), {FakeLlmClient::Text(ReplyWith("OK", 2)), limited});
  ASSERT_EQ(error_, "");
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "finished");
  ASSERT_EQ(report.tasks.size(), 1u);
  EXPECT_THAT(report.tasks[0].reason, HasSubstr("budget.trajectory_wall_s: the time is over"));
  EXPECT_GT(ReplayTaken(), 0) << "the limit is nothing that the loop decides";
}

// ---- what may not make a trajectory vanish

// Evaluations end as cancelled, and nobody has cancelled them.
class StrayPort : public EvaluationPort {
 public:
  StrayPort(EvaluationPort* port, int times) : port_(*port), times_(times) {}
  Task<Result<evaluator::EvaluationReport>> Evaluate(Asker asker, evaluator::EvaluateRequest request,
                                                     std::stop_token cancel) override {
    if (times_-- > 0) co_return Error{ErrorCode::kCancelled, "lost its way"};
    co_return co_await port_.Evaluate(std::move(asker), std::move(request), cancel);
  }
  Task<Result<evaluator::BaselineReport>> Baseline(Asker asker, evaluator::BaselineRequest request,
                                                   std::stop_token cancel) override {
    co_return co_await port_.Baseline(std::move(asker), std::move(request), cancel);
  }
  Task<Result<evaluator::TaskDescription>> DescribeTask(Asker asker, evaluator::DescribeTaskRequest request,
                                                        std::stop_token cancel) override {
    co_return co_await port_.DescribeTask(std::move(asker), std::move(request), cancel);
  }
  Task<Result<std::map<std::string, std::string>>> Environment(std::stop_token cancel) override {
    if (--environments == 0) co_return Error{ErrorCode::kCancelled, "lost its way"};
    co_return co_await port_.Environment(cancel);
  }
  PortTally tally(const std::string& task) const override { return port_.tally(task); }

  int environments = 0;  // the question of this number, from 1, gets no answer

 private:
  EvaluationPort& port_;
  int times_;
};

// The campaign was finished, and the trajectory nowhere.
TEST_F(CampaignTest, TrajectoryThatNobodyStoppedGoesOn) {
  std::unique_ptr<StrayPort> stray;
  const auto straying = [&stray](int times) {
    return [&stray, times](EvaluationPort* port) {
      stray = std::make_unique<StrayPort>(port, times);
      return stray.get();
    };
  };
  CampaignSpec spec = Spec();
  spec.tasks.include = {"rope"};
  const auto good = FakeLlmClient::Text(ReplyWith("OK", 2));
  port_hook_ = straying(2);
  Live(Launching(spec), {good});
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 1);

  port_hook_ = straying(100);
  Live(Launching(spec), {good});
  EXPECT_EQ(Report().state.state, "paused");
  EXPECT_THAT(Report().detail.reason, HasSubstr("cannot go on: internal: it was stopped and nobody had asked for it"));
  port_hook_ = nullptr;
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {});
  EXPECT_EQ(Report().state.state, "finished") << "a restart tries again";
  EXPECT_EQ(Report().n_scored, 1);
}

TEST_F(CampaignTest, CampaignThatNobodyStoppedIsNotFinished) {
  std::unique_ptr<StrayPort> stray;
  port_hook_ = [&stray](EvaluationPort* port) {
    stray = std::make_unique<StrayPort>(port, 0);
    stray->environments = 2;  // after the launch's own
    return stray.get();
  };
  Live(Launching(Spec()), {});
  EXPECT_EQ(Report().state.state, "paused");
  EXPECT_EQ(Report().state.trajectories_started, 0);
}

// Looks at what is appended before it is.
class HookedJournal : public Journal {
 public:
  using Look = std::function<Status(const JournalEntry& first, std::stop_token stop)>;
  HookedJournal(Journal* journal, Look look) : journal_(*journal), look_(std::move(look)) {}
  Task<Status> Append(JournalEntries entries, std::stop_token stop) override {
    Status may = look_(entries->front(), stop);
    if (!may) co_return may;
    co_return co_await journal_.Append(std::move(entries), stop);
  }

 private:
  Journal& journal_;
  const Look look_;
};

// The campaign was gone, its state `running`.
TEST_F(CampaignTest, WhatIsNoEndOfATrajectoryPausesItsCampaign) {
  std::unique_ptr<HookedJournal> hooked;
  const auto fail = [](const JournalEntry& entry, std::stop_token) -> Status {
    if (entry.event.kind != EventKind::kReplyParsed) return OkStatus();
    return Internal("the store is out of its mind");
  };
  journal_hook_ = [&](Journal* journal) {
    hooked = std::make_unique<HookedJournal>(journal, fail);
    return hooked.get();
  };
  Live(Launching(Spec()), {FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "paused");
  EXPECT_THAT(Report().detail.reason, HasSubstr("the store is out of its mind"));
  journal_hook_ = nullptr;
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 2);
}

// The token of the daemon's end makes the journal give a disk up that it would wait for. A pause did so.
TEST_F(CampaignTest, PauseDoesNotMakeTheJournalImpatient) {
  std::vector<std::stop_token> tokens;
  std::unique_ptr<HookedJournal> hooked;
  const auto note = [&tokens](const JournalEntry&, std::stop_token stop) {
    tokens.push_back(std::move(stop));
    return OkStatus();
  };
  journal_hook_ = [&](Journal* journal) {
    hooked = std::make_unique<HookedJournal>(journal, note);
    return hooked.get();
  };
  Live([this](CampaignManager* manager) { return LaunchAndPauseLater(manager, this); }, {});
  EXPECT_EQ(StateOf(id_).state, "paused");
  EXPECT_GE(tokens.size(), 3u);
  for (const std::stop_token& token : tokens) EXPECT_FALSE(token.stop_requested());
}

// What was under way rested for the pause and never got its end.
TEST_F(CampaignTest, CancelRightAfterAPauseEndsEveryTrajectory) {
  for (const bool at_once : {false, true}) {
    CampaignSpec spec = Spec();
    spec.concurrency = 2;
    Live([&](CampaignManager* manager) { return PauseThenCancel(manager, this, spec, at_once); }, {});
    EXPECT_EQ(StateOf(id_).state, "cancelled");
    auto reader = trajectories::Reader::Open(path_).value();
    auto trajectories = AllTrajectories(*reader, id_).value();
    EXPECT_EQ(trajectories.size(), 2u);
    for (const auto& state : trajectories) EXPECT_EQ(state.outcome, "cancelled") << at_once;
  }
}

// It was told as running while the endpoint that it waits for was down, until the next telling ten minutes later.
TEST_F(CampaignTest, LaneThatIsThereDoesNotHideAnEndpointThatIsNot) {
  const auto refused = FakeLlmClient::Answer(401, R"({"error":{"message":"bad key","code":"invalid_api_key"}})");
  std::deque<dialects::RawReply> replies(10, refused);
  replies.insert(replies.end(), 2, FakeLlmClient::Text(ReplyWith("OK", 2)));
  std::string first;
  Live([&](CampaignManager* manager) { return LaunchTwo(manager, this, &first); }, replies);
  EXPECT_EQ(StateOf(id_).state, "finished");
  auto reader = trajectories::Reader::Open(path_).value();
  int64_t parked = 0;
  int64_t running = 0;
  for (const auto& event : reader->Chain(id_, "").value()) {
    if (event.body.label == "parked" && parked == 0) parked = event.row_id;
    if (event.body.label == "running" && running == 0) running = event.row_id;
  }
  ASSERT_GT(parked, 0);
  ASSERT_GT(running, parked);
  int64_t between = 0;
  for (const std::string& id : {first, id_}) {
    trajectories::EventQuery query;
    query.campaign_id = id;
    for (const auto& event : reader->Events(query).value()) {
      between += event.body.label == "auth" && event.row_id > parked && event.row_id < running;
    }
  }
  EXPECT_GT(between, 0) << "it runs once the key is taken";
}

// 1,000 trajectories at once have more to compress than the queue of the workers holds: the campaign ended of it.
TEST_F(CampaignTest, JournalWaitsForBusyWorkers) {
  trajectories::StoreOptions options;
  options.path = path_;
  auto store = trajectories::Store::Open(options);
  ASSERT_TRUE(store);
  WorkPool pool("test", 1, 1);
  std::promise<void> begun;
  std::promise<void> over;
  ASSERT_TRUE(pool.Post([&] {
    begun.set_value();
    over.get_future().wait();
  }));
  begun.get_future().wait();
  ASSERT_TRUE(pool.Post([] {}));
  auto sleeper = LoopSleeper();
  StoreJournal journal(store.value().get(), &pool, sleeper.get(), &Clock::System());
  JournalEntry entry;
  entry.event.campaign_id = "c-1";
  entry.event.kind = EventKind::kCampaignLaunched;
  entry.contents["prompt:large"] = std::string(100'000, 'x');
  auto entries = std::make_shared<std::vector<JournalEntry>>(1, entry);
  std::optional<Status> appended;
  boost::asio::io_context loop;
  boost::asio::co_spawn(loop, AppendTo(&journal, entries, &appended), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
  loop.run_for(std::chrono::milliseconds(1));
  EXPECT_FALSE(appended);
  over.set_value();
  loop.run();
  ASSERT_TRUE(appended);
  EXPECT_TRUE(*appended) << appended->error().context;
}

TEST_F(CampaignTest, AfterARestartOnlyTheMissingSamplesAreRun) {
  CampaignSpec spec = Spec();
  spec.samples = 3;
  spec.stop_after_solved = 2;
  const auto good = FakeLlmClient::Text(ReplyWith("OK", 2));
  auto launch_and_stop = [this, spec](CampaignManager* manager) {
    return LaunchAndStopAfter(manager, spec, path_, 3);
  };
  Live(launch_and_stop, {good, good, good, good, good, good});
  id_ = trajectories::Reader::Open(path_).value()->Campaigns(0, 1).value().at(0).campaign_id;
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {good, good, good});
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "finished");
  EXPECT_EQ(report.state.trajectories_started, 4) << "what was solved before the restart counts";
  EXPECT_EQ(report.n_scored, 4);
  EXPECT_EQ(report.n_skipped, 2);
  std::set<std::pair<std::string, int64_t>> samples;
  for (const TaskRow& row : report.tasks) samples.insert({row.task, row.sample});
  EXPECT_EQ(samples.size(), 4u);
}

// Every look at it is two seconds later.
class HurryingClock : public Clock {
 public:
  SteadyTime Now() const override { return Clock::System().Now(); }
  int64_t UtcMicros() const override { return utc_us_ += 2'000'000; }

 private:
  mutable int64_t utc_us_ = 1'790'000'000'000'000;
};

Task<void> LaunchAndStopWhenAsked(CampaignManager* manager, CampaignSpec spec, const int* asked, Nanos grace,
                                  std::string* id) {
  Result<std::string> launched = co_await manager->Launch(std::move(spec));
  EXPECT_TRUE(launched);
  *id = launched.value();
  auto sleeper = LoopSleeper();
  while (*asked == 0) {
    std::stop_token never;
    Deadline until = Deadline::After(std::chrono::milliseconds(1));
    co_await sleeper->SleepUntil(until, never);
  }
  EXPECT_EQ(manager->trajectories().under_way, 1);
  co_await manager->Stop(grace);
  CampaignSpec refused;
  Result<std::string> late = co_await manager->Launch(std::move(refused));
  EXPECT_EQ(late.error().code, ErrorCode::kCancelled);
}

TEST_F(CampaignTest, StopWaitsForTheReplyOnItsWay) {
  latency_ = std::chrono::milliseconds(20);
  auto stop_with_grace = [this](CampaignManager* manager) {
    return LaunchAndStopWhenAsked(manager, Spec(), &asked_, std::chrono::hours(1), &id_);
  };
  Live(stop_with_grace, {});
  EXPECT_EQ(asked_, 1);
  CampaignReport stopped = Report();
  EXPECT_EQ(stopped.state.state, "running");
  EXPECT_EQ(stopped.state.usage.completion_tokens, 5) << "the reply is there and counted as the provider tells";
  latency_ = Nanos(0);
  Live(ResumeAll, {});
  EXPECT_EQ(asked_, 2) << "one more, for the other task";
  EXPECT_EQ(Report().n_scored, 2);
  EXPECT_EQ(Report().state.usage.calls_lost, 0);
}

TEST_F(CampaignTest, StopHangsUpOnceItsGraceIsOver) {
  latency_ = std::chrono::hours(1);
  auto stop_with_grace = [this](CampaignManager* manager) {
    return LaunchAndStopWhenAsked(manager, Spec(), &asked_, std::chrono::milliseconds(10), &id_);
  };
  Live(stop_with_grace, {});
  EXPECT_EQ(asked_, 1);
  EXPECT_GT(Report().state.usage.completion_tokens, 5) << "thrown away, so it counts as the reservation";
  latency_ = Nanos(0);
  Live(ResumeAll, {});
  EXPECT_EQ(asked_, 3);
  EXPECT_EQ(Report().n_scored, 2);
}

TEST_F(CampaignTest, NothingBeginsOnceTheTimeOfTheCampaignIsOver) {
  HurryingClock clock;
  clock_ = &clock;
  CampaignSpec spec = Spec();
  spec.wall_s = 1;
  Live(Launching(spec), {});
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "finished");
  EXPECT_EQ(report.state.trajectories_started, 0);
  EXPECT_EQ(report.n_unfinished, 2);
}

class LaterClock : public Clock {
 public:
  SteadyTime Now() const override { return Clock::System().Now(); }
  int64_t UtcMicros() const override { return Clock::System().UtcMicros() + 3'600'000'000; }
};

// It waited for a lane with which nothing was to be done any more.
TEST_F(CampaignTest, CampaignWhoseTimeIsOverWaitsForNoLane) {
  CampaignSpec spec = Spec();
  spec.wall_s = 1;
  Live([this, spec](CampaignManager* manager) { return LaunchAndStop(manager, spec, &id_, &error_); }, {});
  ASSERT_EQ(error_, "");
  failing_starts_->store(1'000'000);
  LaterClock clock;
  clock_ = &clock;
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {});
  EXPECT_EQ(Report().state.state, "finished");
}

TEST_F(CampaignTest, FullDiskPausesAndNothingIsLost) {
  bool waited = false;
  vfs_ = trajectories::FaultVfs::kName;
  watch_ = [&waited](StoreJournal* journal) { return HealWhenItWaits(journal, &waited); };
  auto launch_on_a_small_disk = [this](CampaignManager* manager) {
    trajectories::FaultVfs::Get().FullAfterWrites(20);
    return LaunchOne(manager, Spec(), &id_, &error_);
  };
  trajectories::FaultVfs::Get().Heal();
  Live(launch_on_a_small_disk, {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  trajectories::FaultVfs::Get().Heal();
  ASSERT_EQ(error_, "");
  EXPECT_TRUE(waited);
  CampaignReport report = Report();
  EXPECT_EQ(report.n_scored, 2);
  EXPECT_EQ(report.n_infra, 0);
  EXPECT_EQ(report.state.usage.calls, 2);
}

TEST_F(CampaignTest, InfraIsBesideTheScoreNotInIt) {
  dialects::RawReply refused = FakeLlmClient::Answer(400, R"({"error":{"message":"no such parameter"}})");
  Live(Launching(Spec()), {refused, FakeLlmClient::Text(ReplyWith("OK", 2))});
  CampaignReport report = Report();
  EXPECT_EQ(report.n_infra, 1);
  EXPECT_EQ(report.n_scored, 1);
  EXPECT_NEAR(report.campaign.es.at(-5), 2, 1e-9);
}

// It ended the campaign as failed, with one trajectory lost.
TEST_F(CampaignTest, RefusedKeyParksTheCampaignUntilItIsMended) {
  dialects::RawReply refused =
      FakeLlmClient::Answer(401, R"({"error":{"message":"bad key","code":"invalid_api_key"}})");
  Live(Launching(Spec()), {refused, refused, FakeLlmClient::Text(ReplyWith("OK", 2)),
                           FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 2);
  EXPECT_THAT(Labels(), ElementsAre("running", "parked", "running", "finished"));
  auto reader = trajectories::Reader::Open(path_);
  auto events = reader.value()->Chain(id_, "");
  for (const auto& event : events.value()) {
    if (event.body.label != "parked") continue;
    EXPECT_THAT(event.body.subject, HasSubstr("endpoint http://127.0.0.1:1/v1"));
    EXPECT_THAT(event.body.payload, HasSubstr("auth: "));
    EXPECT_THAT(event.body.payload, HasSubstr(R"("next_try":"20)"));
  }
}

// 55 of 60 trajectories ended within 200 s of refused connections.
TEST_F(CampaignTest, EndpointThatIsDownEndsNothing) {
  dialects::RawReply down;
  down.end = dialects::ExchangeEnd::kConnectFailed;
  std::deque<dialects::RawReply> replies(30, down);
  replies.insert(replies.end(), 2, FakeLlmClient::Text(ReplyWith("OK", 2)));
  Live(Launching(Spec()), replies);
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 2);
  EXPECT_THAT(Labels(), ::testing::Contains("parked"));
}

TEST_F(CampaignTest, LaneThatDoesNotStartParksTheCampaign) {
  auto launch_and_stop = [this](CampaignManager* manager) { return LaunchAndStop(manager, Spec(), &id_, &error_); };
  Live(launch_and_stop, {});
  ASSERT_EQ(error_, "");
  failing_starts_->store(4);
  Live([](CampaignManager* manager) { return ResumeAll(manager); },
       {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().n_scored, 2);
  std::vector<std::string> labels = Labels();
  // The first life was stopped while it looked at the lane: before or after it saw it.
  if (labels.front() == "running") labels.erase(labels.begin());
  EXPECT_THAT(labels, ElementsAre("parked", "running", "finished"));
}

TEST_F(CampaignTest, PauseHoldsOverARestartUntilItIsResumed) {
  auto launch_and_pause = [this](CampaignManager* manager) { return LaunchAndPause(manager, Spec(), &id_, &error_); };
  Live(launch_and_pause, {});
  ASSERT_EQ(error_, "");
  EXPECT_EQ(Report().state.state, "paused");
  EXPECT_EQ(Report().detail.reason, "paused by the operator");
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {});
  EXPECT_EQ(Report().state.state, "paused") << "a restart does not resume it";
  auto resume = [this](CampaignManager* manager) {
    return ResumeAllAnd(manager, &CampaignManager::ResumeCampaign, id_, &error_);
  };
  Live(resume, {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(error_, "");
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 2);
  Live(resume, {});
  EXPECT_THAT(error_, HasSubstr("is not paused: it is finished"));
}

// paused had no way out but a restart, and no end at all.
TEST_F(CampaignTest, PausedCampaignCanBeCancelled) {
  auto launch_and_pause = [this](CampaignManager* manager) { return LaunchAndPause(manager, Spec(), &id_, &error_); };
  Live(launch_and_pause, {});
  auto cancel = [this](CampaignManager* manager) {
    return ResumeAllAnd(manager, &CampaignManager::Cancel, id_, &error_);
  };
  Live(cancel, {});
  EXPECT_EQ(error_, "");
  EXPECT_EQ(Report().state.state, "cancelled");
  Live(cancel, {});
  EXPECT_THAT(error_, HasSubstr("it is cancelled"));
}

TEST_F(CampaignTest, TooMuchInfraPausesItAndRetryRunsWhatIsLeft) {
  CampaignSpec spec = Spec();
  spec.tasks.include = {};
  dialects::RawReply refused = FakeLlmClient::Answer(400, R"({"error":{"message":"no such parameter"}})");
  Live(Launching(spec), std::deque<dialects::RawReply>(100, refused));
  ASSERT_EQ(error_, "");
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "paused");
  EXPECT_THAT(report.detail.reason, HasSubstr("5 of 5 trajectories ended for failures on our side"));
  EXPECT_EQ(report.n_infra, 5);
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {});
  EXPECT_EQ(Report().state.state, "paused") << "it would only happen again";

  int64_t again = 0;
  auto retry = [&](CampaignManager* manager) { return RetryOne(manager, id_, &again, &error_); };
  Live(retry, std::deque<dialects::RawReply>(100, FakeLlmClient::Text(ReplyWith("OK", 2))));
  EXPECT_EQ(error_, "");
  EXPECT_EQ(again, 5);
  report = Report();
  EXPECT_EQ(report.state.state, "finished");
  EXPECT_EQ(report.n_infra, 0) << "the newest of a task counts";
  EXPECT_EQ(report.n_scored, static_cast<int64_t>(report.tasks.size()));
  EXPECT_EQ(report.state.trajectories_started, report.n_scored + 5) << "the old ones stay";
  Live(retry, {});
  EXPECT_THAT(error_, HasSubstr("no trajectory of campaign"));
  auto verified = trajectories::Verify({path_, "", {}});
  ASSERT_TRUE(verified);
  EXPECT_FALSE(verified.value().first) << verified.value().first->detail;
}

TEST_F(CampaignTest, MissingKeyVariableIsNamedAndNothingIsLaunched) {
  endpoints_ = {{"keyed", "https://llm.example/v1", "PASSNET_TEST_UNSET_API_KEY", ""}};
  CampaignSpec spec = Spec();
  spec.endpoint = {"keyed", "", "", "", ""};
  Live(Launching(spec), {});
  EXPECT_EQ(id_, "");
  EXPECT_THAT(error_, HasSubstr("PASSNET_TEST_UNSET_API_KEY"));
}

TEST_F(CampaignTest, CampaignForAnotherDeviceThanTheLanesIsNotLaunched) {
  lane_log_->environment["device"] = "cuda:0";
  Live(Launching(Spec()), {});
  EXPECT_EQ(id_, "");
  EXPECT_THAT(error_, HasSubstr("scoring.device: the lane of this daemon is cuda:0, not cpu"));
  CampaignSpec spec = Spec();
  spec.refine.scoring.device = "gpu";
  EXPECT_THAT(ToString(Check(spec)), HasSubstr("scoring.device"));
}

// The journal of a launch holds what the name meant; the campaign goes on only where it still means that.
TEST_F(CampaignTest, EndpointThatMeansAnotherServerPausesTheCampaign) {
  CampaignSpec spec = Spec();
  spec.endpoint = {"mine", "", "", "", ""};
  endpoints_ = {{"mine", "https://llm.example/v1", "", ""}};
  auto launch_and_stop = [this, spec](CampaignManager* manager) {
    return LaunchAndStop(manager, spec, &id_, &error_);
  };
  Live(launch_and_stop, {});
  ASSERT_EQ(error_, "");
  auto reader = trajectories::Reader::Open(path_);
  ASSERT_TRUE(reader);
  EXPECT_EQ(LoadLaunch(*reader.value(), id_).value().spec.endpoint.base_url, "https://llm.example/v1");
  const auto resume = [](CampaignManager* manager) { return ResumeAll(manager); };
  endpoints_ = {{"mine", "https://elsewhere.example/v1", "", ""}};
  Live(resume, {});
  EXPECT_EQ(Report().state.state, "paused");
  endpoints_ = {{"mine", "https://llm.example/v1", "", ""}};
  Live(resume, {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "finished");
}

// A journal from before endpoints had names: its specs choose URL and key variable themselves.
TEST_F(CampaignTest, OldSpecGoesOnOnlyWithAConfiguredEndpoint) {
  CampaignSpec old = Spec();
  old.endpoint = {"", "https://llm.example/v1", "OLD_API_KEY", "", ""};
  Launch launch;
  launch.campaign_id = id_ = "c-old";
  launch.spec = old;
  auto tasks = ResolveTasks(old.tasks);
  ASSERT_TRUE(tasks);
  launch.tasks = tasks.value();
  launch.prompts = prompts::ShippedPrompts();
  launch.environment = lane_log_->environment;
  const JournalEntry entry = ToJournalEntries(&launch).front();
  StoreEntry(entry);
  setenv("OLD_API_KEY", "k", 1);
  const auto resume = [](CampaignManager* manager) { return ResumeAll(manager); };
  Live(resume, {});
  EXPECT_EQ(Report().state.state, "paused") << "the report loads it, the key stays here";
  endpoints_ = {{"other", "https://llm.example/v1", "OTHER_API_KEY", ""}};
  Live(resume, {});
  EXPECT_EQ(Report().state.state, "paused");
  endpoints_.push_back({"old", "https://llm.example/v1", "OLD_API_KEY", ""});
  Live(resume, {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "finished");
  unsetenv("OLD_API_KEY");
}

TEST_F(CampaignTest, LaneOfAnotherEnvironmentPausesInsteadOfMixingFigures) {
  CampaignSpec spec = Spec();
  // Stopped before anything is asked: the campaign stays unfinished.
  auto launch_and_stop = [this, spec](CampaignManager* manager) {
    return LaunchAndStop(manager, spec, &id_, &error_);
  };
  Live(launch_and_stop, {});
  ASSERT_EQ(error_, "");
  lane_log_->environment["cpu"] = "another";
  Live([](CampaignManager* manager) { return ResumeAll(manager); }, {FakeLlmClient::Text(ReplyWith("OK", 2))});
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "paused");
  EXPECT_EQ(report.n_unfinished, 2);
  lane_log_->environment["cpu"] = "fake";
  Live([](CampaignManager* manager) { return ResumeAll(manager); },
       {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(Report().state.state, "finished");
  EXPECT_EQ(Report().n_scored, 2);
}

TEST_F(CampaignTest, HostilePayloadsInTheJournalStopTheirCampaignAlone) {
  const std::string nested(1'000'000, '[');
  id_ = "c-hostile-launch";
  StoreEvent(EventKind::kCampaignLaunched, nested);
  auto resume_and_launch = [this](CampaignManager* manager) { return ResumeAndLaunch(manager, Spec(), &id_, &error_); };
  Live(resume_and_launch, {FakeLlmClient::Text(ReplyWith("OK", 2)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  EXPECT_EQ(error_, "");
  EXPECT_EQ(Report().n_scored, 2);
  auto reader = trajectories::Reader::Open(path_);
  ASSERT_TRUE(reader);
  auto report = BuildReport(*reader.value(), "c-hostile-launch");
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::kDataCorrupt);
}

// One trajectory that does not fold stays as it is and is named; the other of its campaign goes on, and so does the
// daemon.
TEST_F(CampaignTest, TrajectoryThatDoesNotFoldIsQuarantined) {
  CampaignSpec spec = Spec();
  Live([this, spec](CampaignManager* manager) { return LaunchAndStop(manager, spec, &id_, &error_); }, {});
  ASSERT_EQ(error_, "");
  StoreEvent(EventKind::kTrajectoryStarted, "{}", "t-bad", "rope");
  StoreEvent(EventKind::kLlmLost, "{}", "t-bad", "a call that was never opened");
  std::map<std::string, std::string> quarantined;
  Live([&quarantined](CampaignManager* manager) { return ResumeAndTell(manager, &quarantined); },
       {FakeLlmClient::Text(ReplyWith("OK", 2))});
  ASSERT_EQ(quarantined.size(), 1u);
  EXPECT_THAT(quarantined["t-bad"], HasSubstr("this call is not open"));
  CampaignReport report = Report();
  EXPECT_EQ(report.tasks[0].trajectory_id, "t-bad");
  EXPECT_EQ(report.n_unfinished, 1);
  EXPECT_EQ(report.n_scored, 1);
  auto folds = CheckFolds(*trajectories::Reader::Open(path_).value(), "", {});
  ASSERT_TRUE(folds);
  ASSERT_EQ(folds.value().unfoldable.size(), 1u);
  EXPECT_EQ(folds.value().unfoldable[0].id, "t-bad");
}

// What it had reserved for a call that nobody will end was kept from the others for ever.
TEST_F(CampaignTest, QuarantinedTrajectoryReservesNothing) {
  Live([this](CampaignManager* manager) { return LaunchAndStop(manager, Spec(), &id_, &error_); }, {});
  ASSERT_EQ(error_, "");
  StoreEvent(EventKind::kTrajectoryStarted, "{}", "t-bad", "rope");
  StoreEvent(EventKind::kLlmIntent, R"({"reserved_tokens":1000000})", "t-bad", "t-bad/call-1");
  auto reader = trajectories::Reader::Open(path_).value();
  auto stored = LoadCampaign(*reader, id_);
  ASSERT_TRUE(stored) << stored.error().context;
  for (const StoredTrajectory& one : stored.value().trajectories) {
    EXPECT_EQ(one.quarantined.empty(), one.trajectory_id != "t-bad");
  }
  for (const auto& event : stored.value().spending) EXPECT_NE(event.trajectory_id, "t-bad");
}

class ReplayTest : public CampaignTest {
 protected:
  void SetUp() override {
    CampaignSpec spec = Spec();
    spec.refine.rounds.rounds = 3;
    Live(Launching(spec), {FakeLlmClient::Text(ReplyWith("OK", 1.5)), FakeLlmClient::Text(ReplyWith("COMPILE", 1)),
                           FakeLlmClient::Text("no files"), FakeLlmClient::Answer(500, "{}"),
                           FakeLlmClient::Text(ReplyWith("INCORRECT", 1)), FakeLlmClient::Text(ReplyWith("OK", 2)),
                           FakeLlmClient::Text(ReplyWith("OK", 3))});
    ASSERT_EQ(error_, "");
    reader_ = trajectories::Reader::Open(path_).value();
    launch_ = LoadLaunch(*reader_, id_).value();
    trajectories_ = AllTrajectories(*reader_, id_).value();
    ASSERT_EQ(trajectories_.size(), 2u);
  }

  std::vector<TrajectoryReplay> ReplayAll() {
    std::vector<TrajectoryReplay> all;
    for (const auto& state : trajectories_) {
      auto replay = ReplayTrajectory(*reader_, launch_, state);
      EXPECT_TRUE(replay) << replay.error().context;
      if (replay) all.push_back(std::move(replay).value());
    }
    return all;
  }

  std::string StartPayloadOf(const std::string& task) const {
    for (const CampaignTask& one : launch_.tasks) {
      if (one.name != task) continue;
      TrajectoryPlan plan{id_, "t-cancelled", task, one.path, one.hash, ""};
      return StartPayload(plan, launch_.spec.refine);
    }
    return "";
  }

  void Tamper(const std::string& sql) {
    reader_.reset();
    auto database = trajectories::Database::Open({.path = path_, .read_only = false, .vfs = ""});
    ASSERT_TRUE(database);
    ASSERT_TRUE(database.value()->Execute(sql));
    reader_ = trajectories::Reader::Open(path_).value();
  }

  // What a lane of the same kind measures; counted.
  Result<evaluator::EvaluationReport> Measure(const evaluator::EvaluateRequest& request) {
    ++measured_;
    task_paths_.insert(request.task.path);
    return fakes::FakeLane(lane_log_).Evaluate(request, Deadline::Never(), {});
  }
  Regraded RegradeOne(const EvaluateFn& evaluate) {
    auto grades = SelectGrades(*reader_, {id_, "", 1, false});
    EXPECT_TRUE(grades && grades.value().size() == 1u);
    auto regraded = Regrade(*reader_, grades.value().front(), evaluate);
    EXPECT_TRUE(regraded);
    return regraded ? regraded.value() : Regraded();
  }
  Regraded RegradeOne() {
    return RegradeOne([this](const evaluator::EvaluateRequest& request) { return Measure(request); });
  }

  std::unique_ptr<trajectories::Reader> reader_;
  Launch launch_;
  std::vector<trajectories::TrajectoryState> trajectories_;
  int measured_ = 0;
  std::set<std::string> task_paths_;
};

TEST_F(ReplayTest, EveryRequestAndDecisionIsMadeAgain) {
  int64_t requests = 0;
  for (const TrajectoryReplay& replay : ReplayAll()) {
    EXPECT_FALSE(replay.difference) << replay.difference->seq << " " << replay.difference->kind << " "
                                    << replay.difference->field << ": " << replay.difference->stored << " / "
                                    << replay.difference->replayed;
    EXPECT_EQ(replay.replayed, replay.events);
    EXPECT_EQ(replay.taken, 0);
    EXPECT_TRUE(replay.finished);
    requests += replay.requests;
  }
  EXPECT_EQ(requests, 6);
}

TEST_F(ReplayTest, AnotherPromptIsTheFirstDifference) {
  launch_.prompts.at("refine_first").insert(0, "Please. ");
  auto difference = ReplayAll().at(0).difference;
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->kind, "prompt_rendered");
  EXPECT_EQ(difference->field, "content user");
  EXPECT_EQ(difference->at, 0u);
  EXPECT_THAT(difference->replayed, testing::StartsWith("Please. "));
}

TEST_F(ReplayTest, AnotherDecisionIsTheFirstDifference) {
  launch_.spec.refine.rounds.rounds = 2;
  auto difference = ReplayAll().at(1).difference;
  ASSERT_TRUE(difference);
  // The first prompt tells how many rounds there are.
  EXPECT_EQ(difference->kind, "prompt_rendered");
  launch_.spec.refine.rounds.rounds = 3;
  launch_.spec.refine.rounds.plateau_rounds = 1;
  auto plateau = ReplayAll().at(0).difference;
  ASSERT_TRUE(plateau);
  EXPECT_EQ(plateau->field, "kind");
  EXPECT_EQ(plateau->stored, "feedback");
}

// A reply that was lost is a call's own failure unless others lose theirs as well. A replay of one trajectory knows of no
// others: it found a difference in every one that had failed together with another.
TEST_F(CampaignTest, ReplayTakesItAsStoredWhoseAFailureWas) {
  dialects::RawReply cut;
  cut.end = dialects::ExchangeEnd::kCut;
  cut.sent = true;
  CampaignSpec spec = Spec();
  spec.concurrency = 2;
  spec.refine.rounds.rounds = 1;
  Live(Launching(spec), {cut, cut, FakeLlmClient::Text(ReplyWith("OK", 1.5)), FakeLlmClient::Text(ReplyWith("OK", 2))});
  ASSERT_EQ(error_, "");
  auto reader = trajectories::Reader::Open(path_).value();
  Launch launch = LoadLaunch(*reader, id_).value();
  std::set<std::string> own;
  for (const auto& state : AllTrajectories(*reader, id_).value()) {
    for (const auto& event : reader->Chain(id_, state.trajectory_id).value()) {
      if (event.body.label == "transport") own.insert(ParseJson(event.body.payload).value()["own"].Dump());
    }
    auto replay = ReplayTrajectory(*reader, launch, state);
    ASSERT_TRUE(replay) << replay.error().context;
    EXPECT_FALSE(replay.value().difference) << replay.value().difference->stored << replay.value().difference->replayed;
    EXPECT_TRUE(replay.value().finished);
  }
  EXPECT_EQ(own.size(), 2u) << "one was its own, one was not";
}

TEST_F(ReplayTest, WhatTheOperatorDecidedIsTakenAsItIs) {
  id_ = launch_.campaign_id;
  StoreEvent(EventKind::kTrajectoryStarted, StartPayloadOf("rope"), "t-cancelled", "rope", "1");
  StoreEvent(EventKind::kOperatorAction, "{}", "t-cancelled", "", "cancel");
  auto state = reader_->Trajectory("t-cancelled");
  ASSERT_TRUE(state);
  auto replay = ReplayTrajectory(*reader_, launch_, state.value());
  ASSERT_TRUE(replay) << replay.error().context;
  EXPECT_FALSE(replay.value().difference) << replay.value().difference->field;
  EXPECT_EQ(replay.value().replayed, 1);
  EXPECT_EQ(replay.value().taken, 1);
  EXPECT_FALSE(replay.value().finished);
}

TEST_F(ReplayTest, StoredCandidatesAreMeasuredAgainFromTheJournalAlone) {
  Regraded regraded = RegradeOne();
  EXPECT_EQ(regraded.state, RegradeState::kAgrees) << regraded.reason;
  EXPECT_EQ(regraded.verdict, "OK");
  EXPECT_EQ(regraded.score, regraded.new_score);
  EXPECT_EQ(measured_, 1);
  // Not the folder that it was launched from, and gone again.
  EXPECT_NE(*task_paths_.begin(), launch_.tasks.front().path);
  EXPECT_FALSE(std::filesystem::exists(*task_paths_.begin()));
  EXPECT_EQ(SelectGrades(*reader_, {id_, "", 0, false}).value().size(), 2u);
  EXPECT_EQ(SelectGrades(*reader_, {id_, "", 0, true}).value().size(), 7u) << "5 rounds with files, 2 final ones";
}

TEST_F(ReplayTest, AnotherVerdictOrASpeedOutsideTheNoiseDiffers) {
  double factor = 1.05;
  double noise = 0.03;
  auto measure = [&](const evaluator::EvaluateRequest& request) {
    auto report = Measure(request);
    report.value().graphs[0].speedup_call = *report.value().graphs[0].speedup_call * factor;
    report.value().graphs[0].noise = noise;
    report.value().environment["cpu"] = "another";
    return report;
  };
  Regraded slower = RegradeOne(measure);
  EXPECT_EQ(slower.state, RegradeState::kDiffers);
  EXPECT_THAT(slower.reason, HasSubstr("outside the noise"));
  EXPECT_EQ(slower.graphs_that_differ, 1);
  EXPECT_GE(slower.graphs, 1);
  EXPECT_EQ(slower.environment.at("cpu"), (std::pair<std::string, std::string>("fake", "another")));
  noise = 0.06;
  Regraded alike = RegradeOne(measure);
  EXPECT_EQ(alike.state, RegradeState::kAgrees);
  EXPECT_EQ(alike.graphs_that_differ, 0);
  EXPECT_EQ(alike.graphs, slower.graphs);
  Regraded wrong = RegradeOne([&](const evaluator::EvaluateRequest& request) {
    auto report = Measure(request);
    report.value().verdict = evaluator::Verdict::kIncorrect;
    return report;
  });
  EXPECT_EQ(wrong.state, RegradeState::kDiffers);
  EXPECT_THAT(wrong.reason, HasSubstr("verdict OK is now INCORRECT"));
  Regraded failed = RegradeOne(
      [](const evaluator::EvaluateRequest&) -> Result<evaluator::EvaluationReport> { return Internal("no lane"); });
  EXPECT_EQ(failed.state, RegradeState::kNotMeasured);
}

TEST_F(ReplayTest, SpeedThatDiffersIsBelievedWhenItIsSeenTwice) {
  double factor = 3;
  bool incorrect = false;
  auto measure = [&](const evaluator::EvaluateRequest& request) -> Result<evaluator::EvaluationReport> {
    auto report = Measure(request);
    *report.value().graphs.at(0).speedup_call *= factor;
    if (incorrect) report.value().verdict = evaluator::Verdict::kIncorrect;
    return report;
  };
  const Regraded first = RegradeOne(measure);
  ASSERT_EQ(first.state, RegradeState::kDiffers);
  ASSERT_TRUE(WantsSecondLook(first));

  const Regraded twice = LookAgain(*reader_, first, measure).value();
  EXPECT_EQ(twice.state, RegradeState::kDiffers);
  EXPECT_EQ(twice.graphs_that_differ, 1);
  EXPECT_EQ(twice.reason, first.reason);
  EXPECT_TRUE(twice.looked_again);
  EXPECT_FALSE(WantsSecondLook(twice)) << "two looks are all";

  Regraded elsewhere = first;
  elsewhere.moved = {{"graphs/other", "another one differed then"}};
  elsewhere = LookAgain(*reader_, elsewhere, measure).value();
  EXPECT_EQ(elsewhere.state, RegradeState::kAgrees);
  EXPECT_EQ(elsewhere.graphs_that_differ, 0);
  EXPECT_EQ(elsewhere.reason, "");

  factor = 1;
  const Regraded once = LookAgain(*reader_, first, measure).value();
  EXPECT_EQ(once.state, RegradeState::kAgrees);
  EXPECT_TRUE(once.looked_again);
}

TEST_F(ReplayTest, OnlySpeedsGetASecondLook) {
  auto slower = [&](const evaluator::EvaluateRequest& request) -> Result<evaluator::EvaluationReport> {
    auto report = Measure(request);
    *report.value().graphs.at(0).speedup_call *= 3;
    return report;
  };
  auto incorrect = [&](const evaluator::EvaluateRequest& request) -> Result<evaluator::EvaluationReport> {
    auto report = Measure(request);
    report.value().verdict = evaluator::Verdict::kIncorrect;
    return report;
  };
  EXPECT_FALSE(WantsSecondLook(RegradeOne(incorrect)));
  EXPECT_FALSE(WantsSecondLook(RegradeOne()));
  const Regraded first = RegradeOne(slower);
  EXPECT_EQ(LookAgain(*reader_, first, incorrect).value().state, RegradeState::kDiffers) << "a verdict counts at once";
  const Regraded failed = LookAgain(*reader_, first, [](const auto&) -> Result<evaluator::EvaluationReport> {
                            return Internal("no lane");
                          }).value();
  EXPECT_EQ(failed.state, RegradeState::kDiffers) << "as the first look found it";
  EXPECT_FALSE(failed.looked_again);
}

TEST_F(ReplayTest, TamperedCandidateIsRefusedBeforeItRuns) {
  const std::string candidates = "(SELECT row_id FROM events WHERE kind = 'candidate')";
  Tamper("UPDATE event_refs SET sha256 = (SELECT sha256 FROM event_refs WHERE name = 'prompt:refine_first') "
         "WHERE name = 'file:A.py' AND row_id IN " + candidates);
  Regraded regraded = RegradeOne();
  EXPECT_EQ(regraded.state, RegradeState::kRefused);
  EXPECT_THAT(regraded.reason, HasSubstr("hash"));
  EXPECT_EQ(measured_, 0);
}

TEST_F(ReplayTest, TamperedTaskIsRefusedBeforeItRuns) {
  Tamper("UPDATE event_refs SET sha256 = (SELECT sha256 FROM event_refs r JOIN events e USING (row_id) WHERE "
         "e.kind = 'campaign_task' AND e.subject = 'swiglu' AND r.name LIKE '%/weight_meta.py' LIMIT 1) "
         "WHERE name LIKE '%/weight_meta.py' AND row_id = "
         "(SELECT row_id FROM events WHERE kind = 'campaign_task' AND subject = 'rope')");
  Regraded regraded = RegradeOne();
  EXPECT_EQ(regraded.state, RegradeState::kRefused);
  EXPECT_THAT(regraded.reason, HasSubstr("does not have the hash that was written with it"));
  EXPECT_EQ(measured_, 0);
}

}  // namespace
}  // namespace passnet::agent
