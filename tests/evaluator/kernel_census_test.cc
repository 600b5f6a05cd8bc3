// Whose a kernel is that ran on the device: by the names that profilers give and the texts that candidates hand in.
#include "evaluator/integrity/kernel_census.h"

#include <gtest/gtest.h>

namespace passnet::evaluator {
namespace {

const std::vector<CandidateFile> kFiles = {
    {"Rows.py", "import triton\n\n@triton.jit\ndef rows_kernel(x, y, n: tl.constexpr):\n    pass\n\n\ndef call():\n"
                "    rows_kernel[(1,)](x)\n    torch.addmm(a, b, c)\n    gemm(a)\n"},
    {"fused.cu", "__global__ void fused (const float* in, float* out) {}\ntemplate <int N> __global__ void wide(float* x) {}\n"},
    {"notes.txt", "def noted(x): also written here\n"}};

TEST(KernelCensusTest, BaseNameIsTheFunctionsOwn) {
  EXPECT_EQ(KernelBaseName("rows_kernel"), "rows_kernel");
  EXPECT_EQ(KernelBaseName("fused(float const*, float*)"), "fused");
  EXPECT_EQ(KernelBaseName("void wide<4>(float*)"), "wide");
  EXPECT_EQ(KernelBaseName("void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float> >(int)"),
            "vectorized_elementwise_kernel");
  EXPECT_EQ(KernelBaseName("void at::native::(anonymous namespace)::rows<4>(float*)"), "rows");
  EXPECT_EQ(KernelBaseName("ampere_sgemm_128x64_nn"), "ampere_sgemm_128x64_nn");
  EXPECT_EQ(KernelBaseName(""), "");
}

TEST(KernelCensusTest, OwnKernelsAreDefinedInAFile) {
  for (const char* name : {"rows_kernel", "fused", "wide"}) EXPECT_TRUE(DefinesKernel(kFiles, name)) << name;
  for (const char* name : {"addmm", "gemm", "rows", "kernel", "noted", "", "ampere_sgemm_128x64_nn"}) {
    EXPECT_FALSE(DefinesKernel(kFiles, name)) << name;
  }
}

TEST(KernelCensusTest, FiguresAreACallsAndTheLongestComesFirst) {
  Witness witness;
  witness.calls = 4;
  witness.device_kernels = {{"rows_kernel", 8, 16'000}, {"void cutlass::gemm<float>(float*)", 4, 400'000}};
  const std::vector<KernelUse> kernels = KernelsOf(witness, kFiles);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].name, "void cutlass::gemm<float>(float*)");
  EXPECT_EQ(kernels[0].device_us, 100);
  EXPECT_FALSE(kernels[0].own);
  EXPECT_EQ(kernels[1].launches, 2);
  EXPECT_EQ(kernels[1].device_us, 4);
  EXPECT_TRUE(kernels[1].own);
  EXPECT_TRUE(KernelsOf(Witness(), kFiles).empty());
}

}  // namespace
}  // namespace passnet::evaluator
