// bench/chaos in small: the daemon with an endpoint that misbehaves by script, evaluators that are killed, a journal that
// is locked and a disk that is full, killed and stopped in between. Every claim of the bench holds.
#include <gtest/gtest.h>

#include "tests/chaos/chaos_run.h"

namespace passnet {
namespace {

TEST(ChaosTest, EveryClaimHoldsWhateverIsDone) {
  chaos::ChaosOptions options;
  options.samples = 20;
  options.kills = 3;
  options.stops = 2;
  options.locks = options.full_disks = options.refusals = options.outages = 1;
  options.longest_lock = Millis(500);  // waited out by the store alone; that it is told takes five seconds more
  options.mount_disk = false;
  const auto report = chaos::RunChaos(options);
  ASSERT_TRUE(report) << report.error().context;
  for (const chaos::Claim& claim : report.value().claims) {
    EXPECT_EQ(claim.against, 0) << claim.name << ": " << claim.what << ::testing::PrintToString(claim.examples);
  }
  EXPECT_EQ(report.value().scored, 20);
  EXPECT_GT(report.value().balance.answered, 40) << "three campaigns, most of the samples with two rounds or more";
  EXPECT_TRUE(report.value().log_file_tail.empty()) << report.value().log_file_tail;
}

}  // namespace
}  // namespace passnet
