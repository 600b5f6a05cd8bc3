// A campaign of six samples through the programs that bench/orchestration measures: what they measure is whole.
#include "bench/daemon_load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "agent/campaign/launch.h"
#include "agent/replay/agent_replay.h"
#include "bench/turn_parts.h"
#include "tests/fakes/child.h"
#include "tests/fakes/temp_folder.h"
#include "trajectories/reader.h"
#include "trajectories/verify.h"

namespace passnet::bench {
namespace {

TEST(DaemonLoadTest, EveryTurnIsPlayedStoredAndPlayedAgainAlike) {
  const fakes::TempFolder folder("load");
  const LoadPlan plan{.trajectories = 6, .tasks = 2, .turns = 2, .concurrency = 4};
  auto run = RunLoad(plan, folder.path());
  ASSERT_TRUE(run) << run.error().context;
  EXPECT_EQ(run.value().trajectories, 6);
  EXPECT_EQ(run.value().turns, 12);
  EXPECT_GT(run.value().daemon.peak_rss_mib, 1);
  EXPECT_GT(run.value().daemon.thread_ms.at("pn-loop"), 0);
  EXPECT_GT(run.value().daemon.thread_ms.at("pn-db"), 0);
  EXPECT_GT(run.value().journal_mib, 0);

  const std::string journal = (folder / "journal.db").native();
  auto verified = trajectories::Verify({journal, "", {}});
  ASSERT_TRUE(verified) << verified.error().context;
  EXPECT_FALSE(verified.value().first) << verified.value().first->where;
  auto reader = trajectories::Reader::Open(journal);
  ASSERT_TRUE(reader);
  auto launch = agent::LoadLaunch(*reader.value(), run.value().campaign_id);
  ASSERT_TRUE(launch) << launch.error().context;
  auto states = agent::AllTrajectories(*reader.value(), run.value().campaign_id);
  ASSERT_TRUE(states);
  std::set<std::string> candidates;
  for (const auto& state : states.value()) {
    auto replay = agent::ReplayTrajectory(*reader.value(), launch.value(), state);
    ASSERT_TRUE(replay) << replay.error().context;
    EXPECT_FALSE(replay.value().difference) << replay.value().difference->field;
    EXPECT_EQ(replay.value().requests, 2);
    candidates.insert(state.final_subject);
  }
  EXPECT_GT(candidates.size(), 3u) << "the seed makes samples differ";

  auto parts = MeasureTurnParts(journal, run.value().campaign_id, 3);
  ASSERT_TRUE(parts) << parts.error().context;
  EXPECT_EQ(parts.value().turns, 6);
  for (double ms : {parts.value().request_ms, parts.value().reply_ms, parts.value().feedback_ms, parts.value().seal_ms}) {
    EXPECT_GT(ms, 0);
  }
}

TEST(ChildTest, EndAndUseAreThoseOfTheProgram) {
  auto none = fakes::Child::Start({.program = "no-such-program"});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().context.find("no-such-program"), std::string::npos);
  auto version = fakes::RunChild({.program = "passnet", .arguments = {"--version"}});
  ASSERT_TRUE(version) << version.error().context;
  EXPECT_EQ(version.value().exit_code, 0);
  EXPECT_GT(version.value().peak_rss_mib, 1);
  auto wrong = fakes::RunChild({.program = "passnet", .arguments = {"--no-such-option"}});
  ASSERT_TRUE(wrong);
  EXPECT_NE(wrong.value().exit_code, 0);
}

TEST(ProcessUseTest, AProcessThatIsNotThereIsNotFound) {
  EXPECT_GT(UseOf(::getpid()).value().rss_mib, 1);
  auto gone = UseOf(-1);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace passnet::bench
