// .cu kernels through nvcc in the compile jail: those of the bundled passes become shared objects of each architecture, and
// what a kernel's host code must not do is found in what was compiled, however it is spelled.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/compile/shared_object.h"
#include "tests/fakes/shared_data.h"
#include "tests/gpu_tools/tools_folder.h"

namespace passnet::evaluator {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const char* const kCudaHead = "#include <cuda_fp16.h>\n#include <cuda_runtime.h>\n#include <passnet_kernel.h>\n";
const char* const kCudaTail =
    "__global__ void Twice(float* x) { x[threadIdx.x] *= 2; }\n"
    "extern \"C\" int run(const PnCall* call) {\n"
    "  Twice<<<1, 32, 0, static_cast<cudaStream_t>(call->stream)>>>(static_cast<float*>(call->outputs[0].data));\n"
    "  return cudaGetLastError() == cudaSuccess ? 0 : 1;\n}\n";

class CudaCompilerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    cache_ = std::filesystem::temp_directory_path() / ("cuda_compiler_test." + std::to_string(::getpid()));
    nvcc_ = fakes::InGpuTools("nvidia/cu13/bin/nvcc");
    if (nvcc_.empty()) return;
    auto made = Make("sm_90");
    ASSERT_TRUE(made) << made.error().context;
    compiler_.emplace(std::move(made).value());
  }
  static void TearDownTestSuite() {
    compiler_.reset();
    std::filesystem::remove_all(cache_);
  }
  void SetUp() override {
    if (compiler_) return;
    if (fakes::SharedDataIsRequired() || !nvcc_.empty()) FAIL() << "nvcc" << fakes::kNoGpuTools;
    GTEST_SKIP() << "nvcc" << fakes::kNoGpuTools;
  }

  static Result<KernelCompiler> Make(const std::string& architecture) {
    KernelCompilerOptions options;
    options.include_dir = std::filesystem::path(fakes::SourceDir()) / "evaluator/worker";
    options.cache_dir = cache_;
    options.cuda.emplace();
    options.cuda->nvcc = nvcc_;
    options.cuda->architecture = architecture;
    return KernelCompiler::Create(std::move(options), Deadline::After(std::chrono::seconds(60)));
  }

  static CompiledKernel Compile(const KernelCompiler& compiler, const std::string& stem, std::vector<CandidateFile> files) {
    Candidate candidate;
    candidate.files = std::move(files);
    candidate.cuda_kernels = {stem};
    auto kernels = compiler.Compile(candidate, Deadline::After(std::chrono::minutes(3)));
    return kernels ? std::move(kernels.value()[0]) : CompiledKernel{stem, "", kernels.error().context, {}};
  }
  static CompiledKernel Snippet(const std::string& text, std::vector<CandidateFile> more = {}) {
    more.push_back({"k.cu", kCudaHead + text + kCudaTail});
    return Compile(*compiler_, "k", std::move(more));
  }

  static std::filesystem::path cache_, nvcc_;
  static std::optional<KernelCompiler> compiler_;
};
std::filesystem::path CudaCompilerTest::cache_, CudaCompilerTest::nvcc_;
std::optional<KernelCompiler> CudaCompilerTest::compiler_;

TEST_F(CudaCompilerTest, BundledPassesBecomeObjectsOfEachArchitecture) {
  auto ampere = Make("sm_80");
  ASSERT_TRUE(ampere) << ampere.error().context;
  const auto passes = std::filesystem::path(fakes::SourceDir()) / "tests/fixtures/passes_cu";
  int kernels = 0;
  for (const auto& folder : std::filesystem::directory_iterator(passes)) {
    if (!folder.is_directory()) continue;
    auto files = ReadPassDir(folder.path());
    ASSERT_TRUE(files) << files.error().context;
    auto candidate = MakeCandidate(files.value());
    ASSERT_TRUE(candidate) << candidate.error().context;
    ASSERT_EQ(candidate.value().cuda_kernels.size(), 1u);
    const std::string& stem = candidate.value().cuda_kernels[0];
    std::string objects[2];
    for (int i = 0; i < 2; ++i) {
      const CompiledKernel kernel = Compile(i == 0 ? ampere.value() : *compiler_, stem, files.value());
      ASSERT_TRUE(kernel.diagnostics.ok) << kernel.findings << kernel.diagnostics.diagnostics;
      EXPECT_THAT(kernel.diagnostics.diagnostics, IsEmpty());
      auto object = ReadSharedObject(kernel.object);
      ASSERT_TRUE(object);
      EXPECT_THAT(object.value().needed, Contains("libcudart.so.13"));
      objects[i] = kernel.object;
    }
    EXPECT_NE(objects[0], objects[1]);
    ++kernels;
  }
  EXPECT_GE(kernels, 3);
}

TEST_F(CudaCompilerTest, HostCodeIsHeldToWhatACppKernelIs) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> hostile = {
      {"#define J(a, b) a##b\nint f() { J(as, m)(\"nop\"); return 1; }\n"
       "[[gnu::J(sec, tion)(\".text.x\")]] const unsigned char bytes[] = {0x0f, 0x05, 0xc3};\n",
       {"T6.inline-asm", "attribute section"}},
      {"__host__ __device__ int f() {\n#ifdef __CUDA_ARCH__\n  return 1;\n#else\n  asm(\"nop\");\n  return 2;\n#endif\n}\n"
       "int g() { return f(); }\n",
       {"asm(\"nop\")"}},
      // In the form of what nvcc itself writes, and what a front end that reads directives anew would follow.
      {"asm(\".section .nv_fatbin, \\\"a\\\"\\n.text\\nnop\\n\");\n", {"T6.inline-asm"}},
      {"#define H #\nH define later asm\nint f() { return 1; }\n", {}},  // nvcc refuses it too
      {"struct Early { Early() { x = 1; } int x; };\n__attribute__((init_priority(101))) Early early;\n",
       {"attribute init_priority"}},
      {"extern \"C\" int system(const char*);\nextern \"C\" int cuMemAlloc_v2(void*, unsigned long);\nfloat* kept;\n"
       "cudaStream_t own;\ncudaEvent_t event;\n"
       "int f(cudaGraphExec_t graph) {\n  return cudaMalloc(&kept, 4) + cudaStreamCreate(&own) + cudaEventRecord(event, 0) +\n"
       "         cudaGraphLaunch(graph, 0) + system(\"ls\") + cuMemAlloc_v2(0, 1);\n}\n",
       {"[M8.device-memory] the compiled kernel calls cudaMalloc", "[T1.stream]", "[T5.clock]", "[T10.cuda-graph]",
        "calls system", "calls cuMemAlloc_v2"}},
  };
  for (const auto& [text, told] : hostile) {
    const CompiledKernel kernel = Snippet(text);
    EXPECT_FALSE(kernel.diagnostics.ok) << text;
    EXPECT_TRUE(kernel.object.empty()) << text;
    for (const char* part : told) {
      EXPECT_THAT(kernel.findings, HasSubstr(part)) << text << "\n" << kernel.diagnostics.diagnostics;
    }
  }
}

TEST_F(CudaCompilerTest, FilesThatHostOrDeviceCodeAloneReadsAreNamed) {
  const CompiledKernel kernel =
      Snippet("#ifdef __CUDA_ARCH__\n#include \"/dev/null\"\n#else\n#include \"/dev/../dev/null\"\n#endif\n");
  EXPECT_FALSE(kernel.diagnostics.ok);
  EXPECT_THAT(kernel.findings, AllOf(HasSubstr("[H10.include] the compiler read /dev/null,"),
                                     HasSubstr("[H10.include] the compiler read /dev/../dev/null,")))
      << kernel.diagnostics.diagnostics;
}

TEST_F(CudaCompilerTest, WhatHonestKernelsUseIsFine) {
  const std::vector<CandidateFile> own = {{"shared.cuh", "inline __device__ float Half(float x) { return x / 2; }\n"}};
  const CompiledKernel kernel = Snippet(
      "#include <cuda_bf16.h>\n#include <mma.h>\n#include <cooperative_groups.h>\n#include <stdio.h>\n#include <vector>\n"
      "#include \"shared.cuh\"\n"
      "__device__ unsigned Lane() { unsigned lane; asm volatile(\"mov.u32 %0, %%laneid;\" : \"=r\"(lane)); return lane; }\n"
      "__constant__ float kTable[4] = {1, 2, 3, 4};\n"
      "__global__ void Fill(__half* x) {\n"
      "  extern __shared__ float tile[];\n"
      "  tile[threadIdx.x] = Half(kTable[Lane() % 4]);\n"
      "  cooperative_groups::this_thread_block().sync();\n"
      "  x[threadIdx.x] = __float2half(tile[threadIdx.x]);\n}\n"
      "extern \"C\" int fill(const PnCall* call) {\n"
      "  cudaFuncSetAttribute(Fill, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536);\n"
      "  cudaMemsetAsync(call->outputs[0].data, 0, 64, static_cast<cudaStream_t>(call->stream));\n"
      "  Fill<<<1, 32, 65536, static_cast<cudaStream_t>(call->stream)>>>(static_cast<__half*>(call->outputs[0].data));\n"
      "  snprintf(call->error, call->error_size, \"%s\", cudaGetErrorString(cudaGetLastError()));\n"
      "  return std::vector<int>{0}[0];\n}\n", own);
  EXPECT_TRUE(kernel.diagnostics.ok) << kernel.findings << kernel.diagnostics.diagnostics;
}

// What a model is shown as a kernel of this kind must be one.
TEST_F(CudaCompilerTest, ExampleOfThePromptsPasses) {
  auto shown = ReadFile(std::filesystem::path(fakes::SourceDir()) / "prompts/refine_example_cuda.md", 1 << 20);
  ASSERT_TRUE(shown) << shown.error().context;
  const std::string head = "#### FILE: add_activation.cu\n```cuda\n";
  const size_t begin = shown.value().find(head);
  ASSERT_NE(begin, std::string::npos);
  const std::string text = shown.value().substr(begin + head.size());
  const CompiledKernel kernel = Compile(*compiler_, "add_activation", {{"add_activation.cu", text.substr(0, text.find("```"))}});
  EXPECT_TRUE(kernel.diagnostics.ok) << kernel.findings << kernel.diagnostics.diagnostics;
}

TEST_F(CudaCompilerTest, DiagnosticsAreTheCompilersWords) {
  const CompiledKernel kernel = Snippet("__global__ void Wrong(float* x) { x[0] = missing; }\n");
  EXPECT_FALSE(kernel.diagnostics.ok);
  EXPECT_EQ(kernel.diagnostics.file, "k.cu");
  EXPECT_THAT(kernel.diagnostics.diagnostics, HasSubstr("k.cu(4): error: identifier \"missing\" is undefined"));
  EXPECT_THAT(kernel.diagnostics.diagnostics, Not(HasSubstr("/box")));
}

TEST_F(CudaCompilerTest, ObjectsAreKeptByHeadersAndArchitectureToo) {
  const auto cached = [](const KernelCompiler& compiler, const char* constant) {
    const CompiledKernel kernel =
        Compile(compiler, "k", {{"c.cuh", "constexpr int kTimes = " + std::string(constant) + ";\n"},
                                {"k.cu", std::string(kCudaHead) + "#include \"c.cuh\"\nint times = kTimes;\n" + kCudaTail}});
    EXPECT_TRUE(kernel.diagnostics.ok) << kernel.findings << kernel.diagnostics.diagnostics;
    return kernel.diagnostics.cached;
  };
  EXPECT_FALSE(cached(*compiler_, "2"));
  EXPECT_TRUE(cached(*compiler_, "2"));
  EXPECT_FALSE(cached(*compiler_, "3"));
  auto ampere = Make("sm_80");
  ASSERT_TRUE(ampere);
  EXPECT_FALSE(cached(ampere.value(), "2"));
}

TEST(CudaToolkitTest, WhatIsNoToolkitOrArchitectureIsNamed) {
  EXPECT_THAT(FindCudaToolkit("/nowhere/nvcc", "sm_90").error().context, HasSubstr("/nowhere/nvcc: no such program"));
  EXPECT_THAT(FindCudaToolkit("/usr/bin/env", "sm_90").error().context, HasSubstr("no CUDA toolkit is around it"));
  for (const char* odd : {"", "90", "sm_", "sm_9", "sm_90 -o x", "sm_9000", "compute_90"}) {
    EXPECT_THAT(FindCudaToolkit("/usr/bin/env", odd).error().context, HasSubstr("expected one such as sm_90")) << odd;
  }
}

}  // namespace
}  // namespace passnet::evaluator
