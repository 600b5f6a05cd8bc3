// Campaigns over a real journal, with an endpoint and a lane from a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <atomic>
#include <cmath>
#include <filesystem>
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
using trajectories::EventKind;

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
    ports.journal = &journal;
    ports.evaluation = &lanes;
    ports.gates = &gates;
    ports.park = {Nanos(0), Nanos(0), std::chrono::hours(1), std::chrono::milliseconds(2), std::chrono::milliseconds(5)};
    const EndpointBook endpoints(endpoints_, true);
    ports.endpoints = &endpoints;
    ports.sleeper = sleeper.get();
    ports.clock = clock_;
    ports.pool = &pool;
    ports.jitter = [] { return 0.0; };
    ports.open_endpoint = [&replies](EndpointOptions) -> Result<std::unique_ptr<LlmClient>> {
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
  EXPECT_EQ(slower.environment.at("cpu"), (std::pair<std::string, std::string>("fake", "another")));
  noise = 0.06;
  EXPECT_EQ(RegradeOne(measure).state, RegradeState::kAgrees);
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
