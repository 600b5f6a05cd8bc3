// The GPU that a name means, and what a lane says of it. The driver is the stand-in.
#include "evaluator/lane/find_gpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "evaluator/lane/gpu_facts.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

constexpr const char* kUuid = "GPU-00112233-4455-6677-8899-aabbccddeeff";

Result<FoundGpu> Find(const std::string& name, const std::string& library = fakes::FakeCudaPath()) {
  return FindGpu(ParseDeviceName(name).value(), library, Deadline::After(std::chrono::minutes(1)));
}

TEST(FindGpuTest, NumberAndUuidMeanTheSame) {
  for (const std::string& name : {std::string("cuda:0"), std::string("cuda:") + kUuid}) {
    const auto found = Find(name);
    ASSERT_TRUE(found) << found.error().context;
    EXPECT_EQ(found.value().uuid, kUuid);
    EXPECT_EQ(found.value().pci, "0000:0a:00.0");
    EXPECT_EQ(std::filesystem::canonical(found.value().driver), std::filesystem::canonical(fakes::FakeCudaPath()));
  }
}

TEST(FindGpuTest, WhatIsNotThereIsSaidWithWhatIs) {
  const auto second = Find("cuda:1");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(second.error().context, HasSubstr("no GPU cuda:1: the driver has cuda:0 (" + std::string(kUuid) + ")"));
  EXPECT_EQ(Find("cuda:GPU-ffffffff-4455-6677-8899-aabbccddeeff").error().code, ErrorCode::kNotFound);
  const auto none = Find("cuda:0", "libcuda-that-is-not-there.so.1");
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().context, HasSubstr("no GPU: libcuda-that-is-not-there.so.1"));
}

// What is asked, is asked in a child: here the driver was never used.
TEST(FindGpuTest, NothingOfTheDriverIsLeftHere) {
  fakes::FakeCudaControl& fake = fakes::FakeCuda();
  const long before = fake.live;
  fake.failing_code = cuda::kUnknown;
  fake.failing_after = 0;
  fake.failing_call = "cuInit";
  auto failed = Find("cuda:0");
  EXPECT_EQ(fake.failing_after, 0) << "the call was counted in the child alone";
  fake.failing_call = "";
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::kIo);
  EXPECT_THAT(failed.error().context, HasSubstr("cuInit"));
  EXPECT_EQ(fake.live, before);
}

DeviceFacts SomeFacts() {
  DeviceFacts facts;
  facts.kind = "cuda";
  facts.name = "a device";
  facts.uuid = kUuid;
  facts.compute_major = 9;
  facts.multiprocessors = 132;
  facts.memory_bytes = 8ull << 30;
  facts.l2_bytes = 1 << 20;
  facts.copy_bytes_per_us = 3'012'400;
  facts.launch_us = 4.26;
  facts.driver_version = 13010;
  facts.mig = false;
  return facts;
}

TEST(GpuFactsTest, EnvironmentHasWhatPromptsKnow) {
  const auto environment = GpuEnvironment(SomeFacts());
  EXPECT_EQ(environment.at("gpu_model"), "a device");
  EXPECT_EQ(environment.at("gpu_compute_capability"), "9.0");
  EXPECT_EQ(environment.at("gpu_multiprocessors"), "132");
  EXPECT_EQ(environment.at("gpu_memory_bytes"), "8589934592");
  EXPECT_EQ(environment.at("gpu_l2_bytes"), "1048576");
  EXPECT_EQ(environment.at("gpu_bandwidth_gb_s"), "3012");
  EXPECT_EQ(environment.at("gpu_launch_us"), "4.3");
  EXPECT_EQ(environment.at("gpu_driver"), "13.1");
  EXPECT_EQ(environment.at("gpu_mig"), "no");
  EXPECT_EQ(environment.at("gpu_compares"), "yes");
  EXPECT_EQ(environment.at("gpu_persistence"), "unknown");
  EXPECT_EQ(ArchitectureOf(SomeFacts()), "sm_90");
}

// Two evaluators of one lane must say the same, whatever each of them measured.
TEST(GpuFactsTest, FiguresAreThoseOfTheFirstWhoMeasured) {
  const fakes::TempFolder folder("figures");
  const DeviceFacts first = SomeFacts();
  EXPECT_EQ(WithKeptFigures(first, folder / "devices").value().copy_bytes_per_us, first.copy_bytes_per_us);
  DeviceFacts second = first;
  second.copy_bytes_per_us = 1;
  second.launch_us = 2;
  EXPECT_EQ(GpuEnvironment(WithKeptFigures(second, folder / "devices").value()), GpuEnvironment(first));
  // Another driver's are measured anew, and so are those that cannot be read.
  second.driver_version = 14000;
  EXPECT_EQ(WithKeptFigures(second, folder / "devices").value().copy_bytes_per_us, 1);
  ASSERT_TRUE(WriteFileAtomic(folder / "devices" / (std::string(kUuid) + ".json"), "{\"driver\":14000,\"launch_us\":-1}"));
  EXPECT_EQ(WithKeptFigures(second, folder / "devices").value().launch_us, 2);
}

TEST(GpuFactsTest, ReleaseOfNvccIsFound) {
  EXPECT_EQ(NvccRelease("nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, release 13.0, V13.0.48\nBuild x\n"), "13.0");
  EXPECT_EQ(NvccRelease("something\nelse\n"), "else");
}

}  // namespace
}  // namespace passnet::evaluator
