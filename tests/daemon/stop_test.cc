// The daemon's stop and an operator's cancel while a lane starts, measures or hangs, or a model answers: both are seen at
// once by whatever is under way, and nothing is lost by them. What hangs here would hang for good: that the daemon ends is the result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <csignal>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "tests/daemon/daemon_fixture.h"
#include "trajectories/reader.h"

namespace passnet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using trajectories::EventKind;

constexpr int kLooks = 3000;  // of 20 ms: a minute, for two busy cores

class StopTest : public ::testing::Test {
 protected:
  bool StartWith(const std::string& faults) { return fixture_.Start({{"PASSNET_FAKE_LANE", faults}}); }

  std::string Launch() {
    auto launched = fixture_.client().Post("/v1/campaigns", fixture_.SpecJson());
    return launched ? Parsed(launched.value())["campaign_id"].Text() : "";
  }

  // Until some process of the lanes is in this state, at this work.
  bool WaitForLane(const std::string& state, const std::string& work = "") {
    for (int i = 0; i < kLooks; ++i) {
      auto shown = fixture_.client().Get("/v1/lanes");
      if (!shown) return false;
      const Json lanes = Parsed(shown.value());
      for (const Json& process : lanes["processes"].Items()) {
        if (process["state"] == state && process["working_on"].Text().starts_with(work)) return true;
      }
      ::poll(nullptr, 0, 20);
    }
    return false;
  }
  bool WaitForLog(const std::string& text) {
    for (int i = 0; i < kLooks; ++i) {
      if (fixture_.log().find(text) != std::string::npos) return true;
      ::poll(nullptr, 0, 20);
    }
    return false;
  }

  std::map<std::string, int> ReportsById(const std::string& campaign_id) {
    auto reader = trajectories::Reader::Open(fixture_.journal());
    EXPECT_TRUE(reader);
    trajectories::EventQuery query;
    query.campaign_id = campaign_id;
    query.limit = 10000;
    std::map<std::string, int> reports;
    auto events = reader.value()->Events(query);
    EXPECT_TRUE(events);
    for (const auto& event : events.value()) {
      if (event.body.kind == EventKind::kEvaluationReport) ++reports[event.body.subject];
      EXPECT_NE(event.body.kind, EventKind::kEvaluationInfra) << "what we threw away is no failure";
    }
    return reports;
  }

  // The next life goes on as if nothing had been.
  void ExpectGoesOn(const std::string& campaign_id) {
    ASSERT_TRUE(StartWith("")) << fixture_.log();
    EXPECT_EQ(fixture_.WaitForEnd(campaign_id), "finished") << fixture_.log();
    const std::map<std::string, int> reports = ReportsById(campaign_id);
    EXPECT_EQ(reports.size(), 7u) << "rope 3 + final, swiglu 2 + final";
    for (const auto& [id, count] : reports) EXPECT_EQ(count, 1) << id;
  }

  DaemonFixture fixture_;
};

TEST_F(StopTest, SigtermWhileALaneStartsIsHeard) {
  ASSERT_TRUE(StartWith("hang-start"));
  auto other = cli::DaemonClient::Open("http://127.0.0.1:" + std::to_string(fixture_.port()), fixture_.token_file());
  ASSERT_TRUE(other);
  std::optional<Error> refused;
  std::thread launching([&] {
    auto launched = other.value()->Post("/v1/campaigns", fixture_.SpecJson());
    if (!launched) refused = launched.error();
  });
  EXPECT_TRUE(WaitForLane("starting"));
  fixture_.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture_.daemon().Wait(), 0) << fixture_.log();
  launching.join();
  EXPECT_TRUE(refused) << "whoever waited was told";
  EXPECT_THAT(fixture_.log(), HasSubstr("\"stopped\""));
}

TEST_F(StopTest, SigtermThrowsAnEvaluationAwayAndSaysSo) {
  ASSERT_TRUE(StartWith("hang-evaluation"));
  const std::string id = Launch();
  ASSERT_NE(id, "");
  ASSERT_TRUE(WaitForLane("busy", "evaluate")) << fixture_.log();
  fixture_.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture_.daemon().Wait(), 0) << fixture_.log();
  EXPECT_THAT(fixture_.log(), HasSubstr("work of a lane is thrown away and done again after the next start"));
  EXPECT_THAT(fixture_.log(), HasSubstr("\"work\":\"evaluate "));
  ExpectGoesOn(id);
}

TEST_F(StopTest, SecondSigtermEndsAtOnce) {
  ASSERT_TRUE(StartWith("hang-evaluation deaf"));
  const std::string id = Launch();
  ASSERT_NE(id, "");
  ASSERT_TRUE(WaitForLane("busy", "evaluate")) << fixture_.log();
  fixture_.daemon().Signal(SIGTERM);
  ASSERT_TRUE(WaitForLog("\"stopping\""));
  fixture_.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture_.daemon().Wait(), -SIGTERM) << fixture_.log();
  ExpectGoesOn(id);
}

TEST_F(StopTest, CancelWhileALaneStartsEndsTheCampaign) {
  ASSERT_TRUE(fixture_.Start({{"PASSNET_FAKE_LANE", "hang-restart"}}, "[lane]\nprocesses = 1\n"));
  const std::string id = Launch();
  ASSERT_NE(id, "");
  ASSERT_TRUE(WaitForLane("starting")) << fixture_.log();
  ASSERT_TRUE(fixture_.client().Post("/v1/campaigns/" + id + "/cancel", ""));
  EXPECT_EQ(fixture_.WaitForEnd(id), "cancelled") << fixture_.log();
  EXPECT_TRUE(WaitForLane("off")) << "nobody needs it any more";
}

// ---- replies that are on their way

// A recorded endpoint with a fault or a delay in front of it, and what the journal says of the calls.
class ReplyStopTest : public ::testing::Test {
 protected:
  std::string LaunchAt(DaemonFixture& fixture) {
    auto launched = fixture.client().Post("/v1/campaigns", fixture.SpecJson());
    EXPECT_TRUE(launched) << fixture.log();
    return launched ? Parsed(launched.value())["campaign_id"].Text() : "";
  }
  static bool WaitForLog(const DaemonFixture& fixture, const std::string& text) {
    for (int i = 0; i < kLooks; ++i) {
      if (fixture.log().find(text) != std::string::npos) return true;
      ::poll(nullptr, 0, 20);
    }
    return false;
  }
  // Events of a kind and, unless it is empty, a label.
  static int Count(const DaemonFixture& fixture, EventKind kind, const std::string& label = "") {
    auto reader = trajectories::Reader::Open(fixture.journal());
    if (!reader) return 0;
    trajectories::EventQuery query;
    query.limit = 10000;
    auto events = reader.value()->Events(query);
    int count = 0;
    if (!events) return 0;
    for (const auto& event : events.value()) {
      count += event.body.kind == kind && (label.empty() || event.body.label == label);
    }
    return count;
  }
  // Until so many attempts are durable and have had the time to leave.
  static bool WaitForAttempts(const DaemonFixture& fixture, int attempts) {
    for (int i = 0; i < kLooks; ++i) {
      const bool there = Count(fixture, EventKind::kLlmAttempt) >= attempts;
      ::poll(nullptr, 0, 50);
      if (there) return true;
    }
    return false;
  }
  // One of two tasks has ended; the other's first reply hangs.
  static bool WaitForTheOtherTask(DaemonFixture& fixture, const std::string& id) {
    for (int i = 0; i < kLooks; ++i) {
      auto shown = fixture.client().Get("/v1/campaigns/" + id);
      if (shown && Parsed(shown.value())["trajectories_finished"] == 1) return true;
      ::poll(nullptr, 0, 20);
    }
    return false;
  }
};

constexpr const char* kThrownAway = "a reply on its way is thrown away";

// Three graceful restarts made 48 requests for 24 replies.
TEST_F(ReplyStopTest, SigtermWaitsForRepliesOnTheirWayAndKeepsThem) {
  DaemonFixture fixture({"--latency-ms", "800"});
  ASSERT_TRUE(fixture.Start());
  const std::string id = LaunchAt(fixture);
  ASSERT_TRUE(WaitForAttempts(fixture, 2)) << fixture.log();
  fixture.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture.daemon().Wait(), 0) << fixture.log();
  EXPECT_THAT(fixture.log(), HasSubstr("\"replies on their way are waited for\""));
  EXPECT_THAT(fixture.log(), Not(HasSubstr(kThrownAway)));
  // The stop may have found another one before it left.
  const int unsent = Count(fixture, EventKind::kLlmAttemptEnd, "cancelled");
  const int attempts = Count(fixture, EventKind::kLlmAttempt);
  EXPECT_EQ(Count(fixture, EventKind::kLlmOutcome, "accepted"), attempts - unsent) << fixture.log();
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
  EXPECT_EQ(Count(fixture, EventKind::kLlmAttempt), 6 + unsent) << "three rounds of two tasks, none asked for twice";
  EXPECT_EQ(Count(fixture, EventKind::kLlmLost), 0);
}

TEST_F(ReplyStopTest, ReplyThatDoesNotComeInTimeIsThrownAwayAndListed) {
  DaemonFixture fixture({"--fault", "stall:at=1"});
  ASSERT_TRUE(fixture.Start({}, "[llm]\nstop_grace_s = 0.2\n"));
  const std::string id = LaunchAt(fixture);
  ASSERT_TRUE(WaitForTheOtherTask(fixture, id)) << fixture.log();
  fixture.daemon().Signal(SIGTERM);
  EXPECT_EQ(fixture.daemon().Wait(), 0) << fixture.log();
  EXPECT_THAT(fixture.log(), HasSubstr(kThrownAway));
  EXPECT_EQ(Count(fixture, EventKind::kLlmAttemptEnd, "cancelled"), 1);
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
  EXPECT_EQ(Count(fixture, EventKind::kLlmAttempt), 7) << "the one that was cut is asked for again";
}

TEST_F(ReplyStopTest, SecondSignalDoesNotWaitForReplies) {
  DaemonFixture fixture({"--fault", "stall:at=1"});
  ASSERT_TRUE(fixture.Start({}, "[llm]\nstop_grace_s = 3600\n"));
  const std::string id = LaunchAt(fixture);
  ASSERT_TRUE(WaitForTheOtherTask(fixture, id)) << fixture.log();
  fixture.daemon().Signal(SIGTERM);
  ASSERT_TRUE(WaitForLog(fixture, "replies on their way are waited for"));
  EXPECT_FALSE(fixture.daemon().Ended());
  fixture.daemon().Signal(SIGINT);
  EXPECT_EQ(fixture.daemon().Wait(), -SIGINT) << fixture.log();
  ASSERT_TRUE(fixture.Start());
  EXPECT_EQ(fixture.WaitForEnd(id), "finished") << fixture.log();
  EXPECT_EQ(Count(fixture, EventKind::kLlmLost), 1) << "what was in flight is listed";
}

// It said "ok" for as long as the grace lasted.
TEST_F(ReplyStopTest, HealthTellsWhatAStopWaitsFor) {
  DaemonFixture fixture({"--fault", "stall:at=1"});
  ASSERT_TRUE(fixture.Start({}, "[llm]\nstop_grace_s = 3600\n"));
  const std::string id = LaunchAt(fixture);
  ASSERT_TRUE(WaitForTheOtherTask(fixture, id)) << fixture.log();
  Json before = Parsed(fixture.client().Get("/health").value());
  EXPECT_EQ(before["status"], "ok");
  EXPECT_TRUE(before.Has("stopping") && before["stopping"].is_null()) << before.Dump();
  fixture.daemon().Signal(SIGTERM);
  ASSERT_TRUE(WaitForLog(fixture, "replies on their way are waited for"));
  Json health = Parsed(fixture.client().Get("/health").value());
  EXPECT_EQ(health["status"], "stopping");
  EXPECT_EQ(health["stopping"]["replies"], 1) << health.Dump();
  EXPECT_EQ(health["stopping"]["appends"], 0);
  EXPECT_LT(health["stopping"]["since"].Text(), health["stopping"]["until"].Text());
  fixture.daemon().Signal(SIGINT);
  EXPECT_EQ(fixture.daemon().Wait(), -SIGINT) << fixture.log();
}

}  // namespace
}  // namespace passnet
