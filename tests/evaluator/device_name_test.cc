#include "evaluator/api/device_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

TEST(DeviceNameTest, CpuNumbersAndUuids) {
  EXPECT_FALSE(ParseDeviceName("cpu").value().cuda);
  const DeviceName third = ParseDeviceName("cuda:3").value();
  EXPECT_TRUE(third.cuda);
  EXPECT_EQ(third.number, 3);
  EXPECT_EQ(third.uuid, "");
  const DeviceName named = ParseDeviceName("cuda:GPU-00112233-4455-6677-8899-aabbccddeeff").value();
  EXPECT_TRUE(named.cuda);
  EXPECT_FALSE(named.number);
  EXPECT_EQ(named.uuid, "GPU-00112233-4455-6677-8899-aabbccddeeff");
}

TEST(DeviceNameTest, EverythingElseIsRefusedWithWhatThereIs) {
  for (const char* text : {"", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:1024", "cuda:1x", "cuda: 1", "CPU", "cpu ", "cuda:GPU-",
                           "cuda:GPU-00112233-4455-6677-8899-aabbccddeef", "cuda:GPU-00112233-4455-6677-8899-AABBCCDDEEFF",
                           "cuda:MIG-00112233-4455-6677-8899-aabbccddeeff", "cuda:99999999999999999999"}) {
    const auto name = ParseDeviceName(text);
    ASSERT_FALSE(name) << text;
    EXPECT_EQ(name.error().code, ErrorCode::kInvalidArgument) << text;
    EXPECT_THAT(name.error().context, HasSubstr("expected cpu, cuda:N")) << text;
  }
  EXPECT_LT(ParseDeviceName(std::string(100'000, 'x')).error().context.size(), 300u);
}

}  // namespace
}  // namespace passnet::evaluator
