// The kernel of the prompt's example, as a model would hand it in: it passes the compile jail and its checks, and what it
// computes is right for each data type, with strides and with an input that is broadcast.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/file.h"
#include "evaluator/compile/kernel_compiler.h"
#include "evaluator/worker/passnet_kernel.h"
#include "prompts/prompt_set.h"
#include "tests/fakes/paths.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

std::string KernelOfExample() {
  const std::string& text = prompts::ShippedPrompts().at("refine_example");
  const std::string open = "```cpp\n";
  const size_t begin = text.find(open) + open.size();
  return text.substr(begin, text.find("\n```", begin) + 1 - begin);
}

uint16_t ToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

float FromBf16(uint16_t value) {
  const uint32_t bits = static_cast<uint32_t>(value) << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}

struct Float32 {
  using T = float;
  static constexpr DLDataType kType = {kDLFloat, 32, 1};
  static T To(float value) { return value; }
  static float From(T value) { return value; }
};

struct Float16 {
  using T = _Float16;
  static constexpr DLDataType kType = {kDLFloat, 16, 1};
  static T To(float value) { return static_cast<T>(value); }
  static float From(T value) { return static_cast<float>(value); }
};

struct Bfloat16 {
  using T = uint16_t;
  static constexpr DLDataType kType = {kDLBfloat, 16, 1};
  static T To(float value) { return ToBf16(value); }
  static float From(T value) { return FromBf16(value); }
};

DLTensor Tensor(void* data, std::vector<int64_t>& shape, std::vector<int64_t>& strides, DLDataType type) {
  return {data, {kDLCPU, 0}, static_cast<int32_t>(shape.size()), type, shape.data(), strides.data(), 0};
}

// x [3, 5] with these strides, y [5] broadcast; the output is dense.
template <typename D>
void ExpectRight(PnKernel kernel, std::vector<int64_t> x_strides, int64_t route) {
  using T = typename D::T;
  std::vector<int64_t> shape = {3, 5}, row = {5}, dense = {5, 1}, one = {1};
  std::vector<T> x(40), y(5), out(15);
  for (size_t i = 0; i < x.size(); ++i) x[i] = D::To(0.37f * static_cast<float>(i) - 5);
  for (size_t i = 0; i < y.size(); ++i) y[i] = D::To(0.25f * static_cast<float>(i) - 0.5f);
  const std::array<DLTensor, 2> inputs = {Tensor(x.data(), shape, x_strides, D::kType), Tensor(y.data(), row, one, D::kType)};
  const DLTensor output = Tensor(out.data(), shape, dense, D::kType);
  const PnScalar scalar = {0, 0, route, 0};
  char error[64] = "";
  const PnCall call = {PASSNET_KERNEL_ABI, 1, 2, 1, 1, 0, inputs.data(), &output, &scalar, nullptr, error, sizeof error};
  ASSERT_EQ(kernel(&call), 0) << error;
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t k = 0; k < 5; ++k) {
      const float from_x = D::From(x[static_cast<size_t>(i * x_strides[0] + k * x_strides[1])]);
      const float sum = D::From(D::To(from_x + D::From(y[static_cast<size_t>(k)])));
      const float wanted = D::From(D::To(route == 1 ? sum / (1 + std::exp(-sum)) : std::fmax(sum, 0.0f)));
      EXPECT_NEAR(D::From(out[static_cast<size_t>(i * 5 + k)]), wanted, std::fabs(wanted) * 0.01 + 1e-6) << i << ", " << k;
    }
  }
}

TEST(PromptExampleTest, KernelCompilesAndIsRight) {
  const fakes::TempFolder folder("prompt_example");
  KernelCompilerOptions options;
  options.include_dir = std::filesystem::path(fakes::SourceDir()) / "evaluator/worker";
  options.cache_dir = folder / "cache";
  auto compiler = KernelCompiler::Create(options, Deadline::After(std::chrono::seconds(60)));
  ASSERT_TRUE(compiler) << compiler.error().context;
  EXPECT_EQ(compiler.value().facts().count("vectors"), 1u);
  Candidate candidate;
  candidate.files = {{"add_activation.cc", KernelOfExample()}};
  candidate.kernels = {"add_activation"};
  auto kernels = compiler.value().Compile(candidate, Deadline::After(std::chrono::seconds(60)));
  ASSERT_TRUE(kernels) << kernels.error().context;
  ASSERT_TRUE(kernels.value()[0].diagnostics.ok) << kernels.value()[0].diagnostics.diagnostics;
  EXPECT_EQ(kernels.value()[0].diagnostics.diagnostics, "");
  ASSERT_EQ(kernels.value()[0].findings, "");
  const std::string path = (folder / "kernel.so").native();
  ASSERT_TRUE(WriteFileAtomic(path, kernels.value()[0].object));
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << ::dlerror();
  const auto kernel = reinterpret_cast<PnKernel>(::dlsym(library, "add_activation"));
  ASSERT_NE(kernel, nullptr);
  for (const std::vector<int64_t>& strides : {std::vector<int64_t>{5, 1}, {8, 1}, {1, 3}, {10, 2}}) {
    for (int64_t route : {0, 1}) {
      ExpectRight<Float32>(kernel, strides, route);
      ExpectRight<Float16>(kernel, strides, route);
      ExpectRight<Bfloat16>(kernel, strides, route);
    }
  }
  ::dlclose(library);
}

}  // namespace
}  // namespace passnet::evaluator
