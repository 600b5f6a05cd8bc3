// The daemon is killed at every failpoint in turn and started again; whatever the moment, the campaign ends as if
// nothing had happened: nothing accepted is lost, nothing is graded twice, calls that were in flight are listed.
#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/replay/agent_replay.h"
#include "tests/daemon/daemon_fixture.h"
#include "tests/fakes/child_program.h"
#include "trajectories/reader.h"
#include "trajectories/verify.h"

namespace passnet {
namespace {

Result<std::vector<trajectories::Event>> EventsOf(trajectories::Reader& reader, const std::string& campaign_id) {
  trajectories::EventQuery query;
  query.campaign_id = campaign_id;
  query.limit = 10000;
  return reader.Events(query);
}

// The campaign that is in the store, launched (again) when none is.
std::string LaunchOnce(DaemonFixture* fixture) {
  auto list = fixture->client().Get("/v1/campaigns");
  if (list) {
    std::string id = Parsed(list.value())["campaigns"].At(0)["campaign_id"].Text();
    if (!id.empty()) return id;
  }
  auto launched = fixture->client().Post("/v1/campaigns", fixture->SpecJson());
  return launched ? Parsed(launched.value())["campaign_id"].Text() : "";
}

// Whatever the moment, what was decided before and after it is what the loop decides from what is stored.
void ExpectReplays(const DaemonFixture& fixture, const std::string& campaign_id, const std::string& at) {
  auto reader = trajectories::Reader::Open(fixture.journal());
  ASSERT_TRUE(reader);
  auto launch = agent::LoadLaunch(*reader.value(), campaign_id);
  ASSERT_TRUE(launch) << at;
  auto trajectories = agent::AllTrajectories(*reader.value(), campaign_id);
  ASSERT_TRUE(trajectories) << at;
  for (const auto& state : trajectories.value()) {
    auto replay = agent::ReplayTrajectory(*reader.value(), launch.value(), state);
    ASSERT_TRUE(replay) << at << ": " << replay.error().context;
    const auto& difference = replay.value().difference;
    EXPECT_FALSE(difference) << at << ", seq " << difference->seq << " " << difference->kind << " " << difference->field
                             << ": " << difference->stored << " / " << difference->replayed;
    EXPECT_TRUE(replay.value().finished) << at;
  }
  auto verified = trajectories::Verify({fixture.journal(), "", {}});
  ASSERT_TRUE(verified) << at;
  EXPECT_FALSE(verified.value().first) << at << ": " << verified.value().first->where;
}

void ExpectWhole(DaemonFixture* fixture, const std::string& campaign_id, const std::string& at) {
  auto report = fixture->client().Get("/v1/campaigns/" + campaign_id + "/report");
  ASSERT_TRUE(report) << at;
  Json figures = Parsed(report.value());
  EXPECT_EQ(figures["n_scored"], 2) << at << report.value();
  for (const Json& task : figures["tasks"].Items()) EXPECT_EQ(task["outcome"], "solved") << at << " " << task;
  // Two trajectories at a time: at most one call each was in flight.
  EXPECT_LE(figures["lost_calls"].size(), 2u) << at;
  EXPECT_LE(figures["usage"]["calls"].Unsigned(), 6 + figures["lost_calls"].size())
      << at << ": a call was paid twice, unlisted";

  auto reader = trajectories::Reader::Open(fixture->journal());
  ASSERT_TRUE(reader);
  auto events = EventsOf(*reader.value(), campaign_id);
  ASSERT_TRUE(events);
  using trajectories::EventKind;
  std::map<std::string, int> reports;
  std::set<std::string> open_calls;
  for (const auto& event : events.value()) {
    EventKind kind = event.body.kind;
    if (kind == EventKind::kEvaluationReport) ++reports[event.body.subject];
    if (kind == EventKind::kLlmIntent) open_calls.insert(event.body.subject);
    if (kind == EventKind::kLlmOutcome || kind == EventKind::kLlmLost) open_calls.erase(event.body.subject);
  }
  EXPECT_EQ(reports.size(), 7u) << at << ": rope 3 + final, swiglu 2 + final";
  for (const auto& [id, count] : reports) EXPECT_EQ(count, 1) << at << ": graded twice: " << id;
  EXPECT_TRUE(open_calls.empty()) << at << ": no end of " << *open_calls.begin();

  ExpectReplays(*fixture, campaign_id, at);
}

TEST(KillTest, EveryFailpointIsSurvived) {
  std::vector<std::string> names = fakes::FailpointsOf("fake_lane_daemon");
  ASSERT_GT(names.size(), 15u);
  for (const std::string& name : names) {
    DaemonFixture fixture;
    bool started = fixture.Start({{"PASSNET_FAILPOINT", name}});
    std::string id = started ? LaunchOnce(&fixture) : "";
    if (!id.empty()) fixture.WaitForEnd(id);
    // A broken connection is seen a moment before the killed process is gone.
    for (int i = 0; i < 200 && !fixture.daemon().Ended(); ++i) ::poll(nullptr, 0, 50);
    EXPECT_TRUE(fixture.daemon().Ended()) << name << " was never reached";
    EXPECT_EQ(fixture.daemon().Wait(), -SIGKILL) << name;
    ASSERT_TRUE(fixture.Start()) << name << "\n" << fixture.log();
    id = LaunchOnce(&fixture);
    ASSERT_NE(id, "") << name;
    EXPECT_EQ(fixture.WaitForEnd(id), "finished") << name << "\n" << fixture.log();
    ExpectWhole(&fixture, id, name);
  }
}

TEST(KillTest, NothingLeftToDoAfterTheEndIsNotDoneAgain) {
  DaemonFixture fixture;
  ASSERT_TRUE(fixture.Start());
  std::string id = LaunchOnce(&fixture);
  ASSERT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
  auto before = trajectories::Reader::Open(fixture.journal()).value()->LastRowId().value();
  fixture.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture.daemon().Wait(), 0) << fixture.log();
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(id), "finished");
  EXPECT_EQ(trajectories::Reader::Open(fixture.journal()).value()->LastRowId().value(), before);
  ExpectWhole(&fixture, id, "after a quiet restart");
}

// ---- a sample that starts from the best of those before it

std::string LaunchRestarting(const DaemonFixture& fixture, cli::DaemonClient* client) {
  const std::string changes = R"({"tasks":{"include":["rope"]},"samples":2,"restart":"best"})";
  auto launched = client->Post("/v1/campaigns", fixture.SpecJson(changes));
  return launched ? Parsed(launched.value())["campaign_id"].Text() : "";
}

// One start of the second sample, from the first one, and every request of it shows the same.
void ExpectStartedFromTheBest(const DaemonFixture& fixture, const std::string& campaign_id, const std::string& at) {
  auto reader = trajectories::Reader::Open(fixture.journal());
  ASSERT_TRUE(reader);
  auto events = EventsOf(*reader.value(), campaign_id);
  ASSERT_TRUE(events);
  using trajectories::EventKind;
  std::vector<const trajectories::Event*> starts;
  std::set<std::string> first_prompts;
  int requests = 0;
  for (const auto& event : events.value()) {
    if (event.body.kind == EventKind::kTrajectoryStarted) starts.push_back(&event);
    if (event.body.kind != EventKind::kLlmIntent || starts.size() < 2) continue;
    const std::string request = reader.value()->Content(event.body.refs.at(0).sha256).value();
    first_prompts.insert(Parsed(request)["messages"].At(1)["content"].Text());
    ++requests;
  }
  ASSERT_EQ(starts.size(), 2u) << at;
  EXPECT_EQ(starts[1]->body.label, "2") << at;
  const Json start = Parsed(starts[1]->body.payload)["start"];
  EXPECT_EQ(start["trajectory_id"], starts[0]->body.trajectory_id) << at;
  EXPECT_EQ(start["score"], 1.8) << at;
  EXPECT_GE(requests, 3) << at;
  ASSERT_EQ(first_prompts.size(), 1u) << at;
  EXPECT_NE(first_prompts.begin()->find("ended with verdict=OK score=1.8"), std::string::npos) << at;
}

void ExpectRestartedWhole(DaemonFixture* fixture, const std::string& id, const std::string& at) {
  ASSERT_TRUE(fixture->Start()) << at << "\n" << fixture->log();
  EXPECT_EQ(fixture->WaitForEnd(id), "finished") << at << "\n" << fixture->log();
  const Json report = Parsed(fixture->client().Get("/v1/campaigns/" + id + "/report").value());
  EXPECT_EQ(report["outcomes"], Json({{"solved", 2}})) << at;
  EXPECT_LE(report["lost_calls"].size(), 1u) << at;
  ExpectStartedFromTheBest(*fixture, id, at);
  ExpectReplays(*fixture, id, at);
}

// The first sample has three rounds; what is counted after them is the second one's.
TEST(KillTest, SampleThatStartsFromTheBestIsShownTheSameAfterAKill) {
  for (const char* name : {"agent.after_trajectory_started:2", "agent.after_prompt_rendered:4",
                           "agent.after_llm_intent:4", "agent.after_llm_attempt:4"}) {
    DaemonFixture fixture;
    ASSERT_TRUE(fixture.Start({{"PASSNET_FAILPOINT", name}})) << fixture.log();
    const std::string id = LaunchRestarting(fixture, &fixture.client());
    ASSERT_NE(id, "") << fixture.log();
    ASSERT_EQ(fixture.WaitForEnd(id), "") << name << " was never reached";
    EXPECT_EQ(fixture.daemon().Wait(), -SIGKILL) << name;
    ExpectRestartedWhole(&fixture, id, name);
  }
}

TEST(KillTest, KillWhileTheFirstReplyOfARestartedSampleComesChangesNothingOfItsStart) {
  DaemonFixture fixture({"--fault", "stall:at=4"});
  ASSERT_TRUE(fixture.Start()) << fixture.log();
  const std::string id = LaunchRestarting(fixture, &fixture.client());
  ASSERT_NE(id, "") << fixture.log();
  int attempts = 0;
  while (attempts < 4 && !fixture.daemon().Ended()) {
    ::poll(nullptr, 0, 20);
    trajectories::EventQuery query;
    query.campaign_id = id;
    query.kind = trajectories::EventKind::kLlmAttempt;
    attempts = static_cast<int>(trajectories::Reader::Open(fixture.journal()).value()->Events(query).value().size());
  }
  fixture.daemon().Signal(SIGKILL);
  EXPECT_EQ(fixture.daemon().Wait(), -SIGKILL);
  ExpectRestartedWhole(&fixture, id, "while it stalls");
}

}  // namespace
}  // namespace passnet
