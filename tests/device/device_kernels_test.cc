// What the worker makes of CUPTI's records. CUPTI is the stand-in; its records are laid out by itself.
#include "evaluator/worker/native/device_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/fakes/libcupti/control.h"

namespace passnet::worker::device_kernels {
namespace {

using testing::HasSubstr;

class DeviceKernelsTest : public testing::Test {
 protected:
  void SetUp() override {
    fakes::FakeCupti().enable_fails_with = 0;
    UseLibrary(fakes::FakeCuptiPath());
  }
};

TEST_F(DeviceKernelsTest, LaunchesAreCountedByNameAndTheirTimeIsAdded) {
  Begin();
  fakes::FakeCupti().ran("_Z4rowsPKfPf", 1000, 1500);
  fakes::FakeCupti().copied();
  fakes::FakeCupti().ran("ampere_sgemm_128x64_nn", 2000, 4000);
  fakes::FakeCupti().ran("_Z4rowsPKfPf", 5000, 5600);
  fakes::FakeCupti().ran("no_times", 0, 0);
  End();
  const Recorded& recorded = Last();
  EXPECT_EQ(recorded.why_not, "");
  ASSERT_EQ(recorded.kernels.size(), 3u) << "a copy is no kernel";
  EXPECT_EQ(recorded.kernels[0].name, "rows(float const*, float*)");
  EXPECT_EQ(recorded.kernels[0].launches, 2u);
  EXPECT_EQ(recorded.kernels[0].nanoseconds, 1100u);
  EXPECT_EQ(recorded.kernels[1].name, "ampere_sgemm_128x64_nn");
  EXPECT_EQ(recorded.kernels[2].launches, 1u);
  EXPECT_EQ(recorded.kernels[2].nanoseconds, 0u);
}

TEST_F(DeviceKernelsTest, OnlyTheLastRecordingIsTold) {
  Begin();
  fakes::FakeCupti().ran("first", 1, 2);
  End();
  fakes::FakeCupti().ran("between", 1, 2);
  Begin();
  fakes::FakeCupti().ran("second", 1, 2);
  End();
  const Json told = ParseJson(Tell()).value();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told.At(0)["name"].Text(), "second");
  EXPECT_EQ(told.At(0)["count"].Unsigned(), 1u);
  EXPECT_EQ(told.At(0)["ns"].Unsigned(), 1u);
}

TEST_F(DeviceKernelsTest, ManyRecordsTakeSeveralBuffersAndManyNamesAreBounded) {
  const int before = fakes::FakeCupti().buffers;
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) names.push_back("kernel_" + std::to_string(i) + std::string(200, 'x'));
  Begin();
  for (int i = 0; i < 30; ++i) {
    for (const std::string& name : names) fakes::FakeCupti().ran(name.c_str(), 1, 2);
  }
  fakes::FakeCupti().lost = 7;
  End();
  EXPECT_GT(fakes::FakeCupti().buffers, before + 1);
  EXPECT_EQ(Last().kernels.size(), 256u);
  EXPECT_EQ(Last().kernels[0].launches, 30u);
  EXPECT_EQ(Last().kernels[0].name.size(), 128u);
  EXPECT_EQ(Last().lost, 7u);
  uint64_t launches = 0;
  for (const KernelTime& kernel : Last().kernels) launches += kernel.launches;
  EXPECT_EQ(launches, 30u * 300u);
}

// Names are a stranger's bytes.
TEST_F(DeviceKernelsTest, OddNamesAreStillJson) {
  Begin();
  fakes::FakeCupti().ran("a\"b\\c\n\xff", 1, 2);
  fakes::FakeCupti().ran(nullptr, 1, 2);
  End();
  const Json told = ParseJson(Tell()).value();
  EXPECT_EQ(told.At(0)["name"].Text(), "a?b?c??");
  EXPECT_EQ(told.At(1)["name"].Text(), "?");
}

TEST_F(DeviceKernelsTest, WhyNothingIsRecordedIsTold) {
  fakes::FakeCupti().enable_fails_with = 35;
  Begin();
  fakes::FakeCupti().ran("unseen", 1, 2);
  End();
  EXPECT_EQ(Last().why_not, "cuptiActivityEnable: of the stand-in (35)");
  EXPECT_TRUE(Last().kernels.empty());
  UseLibrary("/nonexistent/libcupti.so");
  Begin();
  End();
  EXPECT_THAT(Last().why_not, HasSubstr("no CUPTI: "));
  EXPECT_EQ(Tell(), "[]");
}

}  // namespace
}  // namespace passnet::worker::device_kernels
