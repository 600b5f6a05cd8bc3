// Campaigns over a real journal, with an endpoint and a lane from a script.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cmath>
#include <filesystem>
#include <set>
#include <stop_token>

#include "agent/campaign/lane_pool.h"
#include "agent/campaign/manager.h"
#include "agent/campaign/report.h"
#include "agent/campaign/store_journal.h"
#include "base/ids.h"
#include "base/json.h"
#include "tests/fakes/fake_lane.h"
#include "tests/fakes/fake_llm_client.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"
#include "tests/trajectories/fault_vfs.h"
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
    LimiterRegistry limiters(LimiterOptions{});
    auto start = [log = lane_log_](Deadline, std::stop_token stop) { return fakes::StartFakeLane(log, stop); };
    LanePool lanes(std::vector<LaneSetup>{{"fake", start}});
    StoreJournal journal(store.value().get(), &pool, sleeper.get(), &Clock::System(), std::chrono::milliseconds(5));
    CampaignPorts ports;
    ports.journal = &journal;
    ports.evaluation = &lanes;
    ports.limiters = &limiters;
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
    while (journal->waiting_for_space() == 0) {
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

  static Task<void> ResumeAndLaunch(CampaignManager* manager, CampaignSpec spec, std::string* id, std::string* error) {
    co_await ResumeAll(manager);
    co_await LaunchOne(manager, std::move(spec), id, error);
  }

  Script Launching(CampaignSpec spec) {
    return [this, spec](CampaignManager* manager) { return LaunchOne(manager, spec, &id_, &error_); };
  }

  // An event of the journal as no daemon of ours would have written it.
  void StoreEvent(EventKind kind, const std::string& payload) {
    trajectories::StoreOptions options;
    options.path = path_;
    auto store = trajectories::Store::Open(options);
    ASSERT_TRUE(store) << store.error().context;
    trajectories::EventDraft event;
    event.campaign_id = id_;
    event.kind = kind;
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

TEST_F(CampaignTest, RefusedKeyEndsTheCampaignWithoutTryingTheOtherTasks) {
  dialects::RawReply refused =
      FakeLlmClient::Answer(401, R"({"error":{"message":"bad key","code":"invalid_api_key"}})");
  Live(Launching(Spec()), {refused, refused});
  CampaignReport report = Report();
  EXPECT_EQ(report.state.state, "failed");
  EXPECT_EQ(report.n_infra, 1);
  EXPECT_EQ(report.n_unfinished, 1);
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
  const JournalEntry entry = ToJournalEntry(launch);
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

}  // namespace
}  // namespace passnet::agent
