#include "sandbox/probe.h"

#include <gtest/gtest.h>

#include "sandbox/cgroup.h"

namespace passnet::sandbox {
namespace {

TEST(ProbeTest, EveryCapabilitySaysWhatWasFoundOrHowToFixIt) {
  const ProbeReport report = Probe();
  EXPECT_GE(report.capabilities.size(), 8u);
  for (const Capability& capability : report.capabilities) {
    EXPECT_FALSE(capability.why.empty()) << capability.name;
    EXPECT_EQ(capability.fix.empty(), capability.ok) << capability.name;
  }
  EXPECT_EQ(report.tier, CgroupTierName(DetectCgroups().tier));
}

TEST(ProbeTest, OnlyRequiredCapabilitiesAreMissed) {
  ProbeReport report;
  report.capabilities = {{"groups", false, false, "none", "delegate"}};
  EXPECT_TRUE(report.Ok());
  report.capabilities.push_back({"Landlock", false, true, "absent", "boot another kernel"});
  EXPECT_FALSE(report.Ok());
  EXPECT_EQ(report.Missing(), "Landlock: absent (boot another kernel)");
}

}  // namespace
}  // namespace passnet::sandbox
