// Passes that try to be paid on a GPU for what they did not do, or to leave it useless: each ends as its head says, and an
// honest one after each of them is right. None has run on a device yet.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>

#include "evaluator/candidate/candidate.h"
#include "tests/fakes/paths.h"
#include "tests/gpu/device_under_test.h"
#include "tests/hostile/trials.h"

namespace passnet::hostile {
namespace {

evaluator::LaneClientOptions Lane() {
  evaluator::LaneClientOptions options;
  options.device = fakes::TheDevice().lane_device;
  options.further = fakes::TheDevice().lane_arguments;
  return options;
}

class HostileGpuTest : public testing::TestWithParam<Specimen> {
 protected:
  void SetUp() override {
    if (!fakes::TheDevice().why_not.empty()) GTEST_SKIP() << fakes::TheDevice().why_not;
  }
  static void TearDownTestSuite() { trials_ = Trials(evaluator::Profile::kQuick, Lane()); }

  static inline Trials trials_{evaluator::Profile::kQuick, Lane()};
};

TEST_P(HostileGpuTest, EndsAsItsHeadSaysAndLeavesTheDeviceUsable) {
  const Specimen& specimen = GetParam();
  const auto outcome = trials_.Run(specimen, "");
  ASSERT_TRUE(outcome) << outcome.error().context;
  std::printf("%s (%s): %s, gain %.2f: %s\n", specimen.name.c_str(), specimen.tries.c_str(), outcome.value().ended.c_str(),
              outcome.value().gain, outcome.value().reason.c_str());
  EXPECT_TRUE(std::count(specimen.expect.begin(), specimen.expect.end(), outcome.value().ended) > 0)
      << outcome.value().ended << " instead of " << Joined(specimen.expect) << ": " << outcome.value().reason;
  Specimen honest = specimen;
  honest.name += "-then-honest";
  honest.folder = fakes::SourceDir() + "/tests/fixtures/passes_triton/swiglu";
  honest.task = fakes::SourceDir() + "/tasks/swiglu";
  const auto after = trials_.Run(honest, "");
  ASSERT_TRUE(after) << after.error().context;
  EXPECT_EQ(after.value().ended, "OK") << after.value().reason;
}

INSTANTIATE_TEST_SUITE_P(Gpu, HostileGpuTest, testing::ValuesIn(Specimens("specimens_gpu")),
                         [](const auto& specimen) { return specimen.param.name; });

}  // namespace
}  // namespace passnet::hostile
