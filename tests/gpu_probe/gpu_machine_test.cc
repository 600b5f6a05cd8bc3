// On a machine with a GPU: what `passnet doctor` tries there works, outside of a jail and in a candidate's place.
#include <cstdio>

#include <gtest/gtest.h>

#include "evaluator/gpu_probe/gpu_check.h"
#include "tests/fakes/paths.h"

namespace passnet::gpu_probe {
namespace {

TEST(GpuMachineTest, WhatALaneNeedsWorksOnEveryGpu) {
  const std::unique_ptr<GpuHost> host = ThisMachine({fakes::BinaryDir() + "/bin/passnet-gpu-probe", {}, {}, {}});
  if (host->Gpus().empty()) GTEST_SKIP() << "no GPU";
  for (const sandbox::Capability& row : CheckGpus(*host, /*required=*/true)) {
    std::printf("%s: %s: %s\n", row.ok ? "ok" : row.required ? "MISSING" : "not well", row.name.c_str(), row.why.c_str());
    EXPECT_TRUE(row.ok || !row.required) << row.name << ": " << row.why << " (" << row.fix << ")";
  }
}

// What a jail leaves behind on the device must not be in the next one's way.
TEST(GpuMachineTest, JailsOneAfterAnotherFindTheDeviceUsable) {
  const std::unique_ptr<GpuHost> host = ThisMachine({fakes::BinaryDir() + "/bin/passnet-gpu-probe", {}, {}, {}});
  if (host->Gpus().empty()) GTEST_SKIP() << "no GPU";
  const sandbox::HostGpu gpu = host->Gpus().front();
  const Result<sandbox::GpuAccess> access = host->Access(gpu);
  ASSERT_TRUE(access) << access.error().context;
  const Result<std::vector<Trial>> plain = host->TryPlain(gpu);
  ASSERT_TRUE(plain) << plain.error().context;
  const std::string library = plain->front().found.substr(0, plain->front().found.find(','));
  for (int i = 0; i < 3; ++i) {
    const Result<std::vector<Trial>> jailed = host->TryInJail(gpu, *access, library);
    ASSERT_TRUE(jailed) << jailed.error().context;
    EXPECT_EQ(jailed->back().name, "clock noise") << jailed->back().name << ": " << jailed->back().found;
  }
}

}  // namespace
}  // namespace passnet::gpu_probe
