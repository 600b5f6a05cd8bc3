// The evaluator's own kernels through the real NVRTC, which needs no GPU: machine code for each architecture, and nothing in
// it that would round otherwise than the host does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluator/device/nvrtc.h"
#include "tests/fakes/shared_data.h"
#include "tests/gpu_tools/tools_folder.h"

namespace passnet::evaluator {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

const char* const kEntries[] = {"passnet_draw", "passnet_claim_strays", "passnet_write_strays", "passnet_compare"};

class EvaluatorKernelsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto libraries = NvrtcLibraries(fakes::GpuTools() / "bin/python");
    if (libraries.size() > 2) {  // more than the names that are always tried
      auto loaded = NvrtcLibrary::Load({libraries.front()});
      ASSERT_TRUE(loaded) << loaded.error().context;
      nvrtc_ = std::move(loaded).value();
      return;
    }
    if (fakes::SharedDataIsRequired()) FAIL() << "NVRTC" << fakes::kNoGpuTools;
    GTEST_SKIP() << "NVRTC" << fakes::kNoGpuTools;
  }

  std::shared_ptr<const NvrtcLibrary> nvrtc_;
};

TEST_F(EvaluatorKernelsTest, BecomeMachineCodeOfEachArchitecture) {
  for (int capability : {80, 90}) {
    auto image = nvrtc_->CompileKernels(capability);
    ASSERT_TRUE(image) << image.error().context;
    EXPECT_EQ(image.value().substr(0, 4), "\x7f" "ELF");
    for (const char* entry : kEntries) EXPECT_THAT(image.value(), HasSubstr(".text." + std::string(entry))) << capability;
  }
}

// torch and the host round every step, and keep subnormal numbers.
TEST_F(EvaluatorKernelsTest, FuseNothingAndFlushNothing) {
  auto ptx = nvrtc_->CompileKernelsToPtx(90);
  ASSERT_TRUE(ptx) << ptx.error().context;
  for (const char* entry : kEntries) EXPECT_THAT(ptx.value(), HasSubstr(".entry " + std::string(entry) + "("));
  EXPECT_THAT(ptx.value(), Not(ContainsRegex("fma\\.")));
  EXPECT_THAT(ptx.value(), Not(HasSubstr("ftz")));
  EXPECT_THAT(ptx.value(), Not(HasSubstr(".approx")));
  EXPECT_THAT(ptx.value(), HasSubstr("mul.rn.f32"));
}

}  // namespace
}  // namespace passnet::evaluator
