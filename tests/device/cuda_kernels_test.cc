// The evaluator's own kernels on the stand-in device: how they get there, what is believed of them, and what seats do with
// them. What they compute is the host's (draw_kernels_test.cc, compare_kernels_test.cc); no device has run them here.
#include "evaluator/device/cuda_kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "evaluator/device/cuda_device.h"
#include "evaluator/device/cuda_seat.h"
#include "evaluator/device/kernels/texts.h"
#include "evaluator/device/nvrtc.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uint64_t kLentAt = CudaSeat::kArenaAt;

Deadline InTime() { return Deadline::After(std::chrono::seconds(30)); }

class CudaKernelsTest : public testing::Test {
 protected:
  void TearDown() override {
    fake_.failing_call = "";
    fake_.hangs = false;
    for (const char* kernel : {"passnet_draw", "passnet_claim_strays", "passnet_write_strays", "passnet_compare"}) {
      fake_.add_kernel(kernel, nullptr, nullptr);
    }
  }

  Result<std::shared_ptr<CudaKernels>> Load(int capability = 90) {
    return CudaKernels::Load(context_, {fakes::FakeCudaPath()}, capability);
  }

  static InputRecipe Recipe(unsigned char key) {
    InputRecipe recipe;
    std::fill(std::begin(recipe.key.key), std::end(recipe.key.key), key);
    recipe.given = std::make_shared<const std::vector<std::byte>>(100, std::byte{9});
    kernels::DrawStep step;
    step.kind = kernels::kMask;
    step.elements = 1000;
    step.density = 99;
    recipe.steps.push_back(step);
    step.kind = kernels::kFloats;
    step.type = kernels::kFloat32;
    step.to = 1024;
    step.position = 1000;
    step.elements = step.among = 700;
    step.scale = 1.0f / 65535;
    step.most = 1;
    recipe.steps.push_back(step);
    step.kind = kernels::kStrays;
    step.position = 3800;
    step.elements = 70;
    step.offset = -5;
    step.least = -9;
    recipe.steps.push_back(step);
    step.kind = kernels::kCopy;
    step.to = 4000;
    step.elements = 96;
    step.from = 4;
    recipe.steps.push_back(step);
    return recipe;
  }
  static std::vector<std::byte> OnTheHost(const InputRecipe& recipe, size_t bytes = 4096) {
    std::vector<std::byte> inputs(bytes);
    DrawOnHost(recipe, &inputs);
    return inputs;
  }

  fakes::FakeCudaControl& fake_ = fakes::FakeCuda();
  const std::shared_ptr<const CudaDriver> driver_ = CudaDriver::Load(fakes::FakeCudaPath()).value();
  const std::shared_ptr<const CudaContext> context_ = CudaContext::Of(driver_, 0).value();
};

TEST_F(CudaKernelsTest, LoadedKernelsDrawWhatTheHostDraws) {
  auto kernels = Load();
  ASSERT_TRUE(kernels) << kernels.error().context;
  auto memory = CudaMemory::Create(context_, 4096, false).value();
  auto stream = CudaStream::Create(context_).value();
  auto* at = reinterpret_cast<std::byte*>(memory.at());
  for (unsigned char key : {1, 2}) {
    std::fill_n(at, memory.size(), std::byte{0});
    ASSERT_TRUE(kernels.value()->Draw(*stream, Recipe(key), memory.at(), 4096));
    EXPECT_EQ(std::vector<std::byte>(at, at + 4096), OnTheHost(Recipe(key)));
  }
}

// Kernels run beside the process, where no sanitizer may look.
#define BESIDE __attribute__((no_sanitize("address", "thread", "undefined")))

const kernels::DrawTable* volatile seen_table = nullptr;
BESIDE void NoteTable(void** parameters) {
  seen_table = reinterpret_cast<const kernels::DrawTable*>(*static_cast<uint64_t*>(parameters[0]));
}
// Answers how the first address is aligned.
BESIDE void TellAlignment(void** parameters) {
  const auto* table = reinterpret_cast<const kernels::CompareTable*>(*static_cast<uint64_t*>(parameters[0]));
  const auto* step = reinterpret_cast<const kernels::CompareStep*>(table->steps);
  reinterpret_cast<kernels::CompareResult*>(table->results)->tightest = static_cast<kernels::u32>(step->expected % 64);
}
BESIDE void DoNothing(void**) {}

// What a launch is told lies in device memory, and its secret is gone when the draw is done.
TEST_F(CudaKernelsTest, KeyIsClearedOnceTheInputsAreDrawn) {
  auto kernels = Load().value();
  auto memory = CudaMemory::Create(context_, 4096, false).value();
  auto stream = CudaStream::Create(context_).value();
  fake_.add_kernel("passnet_claim_strays", "8", NoteTable);
  ASSERT_TRUE(kernels->Draw(*stream, Recipe(7), memory.at(), 4096));
  const kernels::DrawTable* strays = seen_table;
  ASSERT_NE(strays, nullptr);
  for (const kernels::DrawTable* table : {strays - 1, strays}) {
    EXPECT_TRUE(std::all_of(std::begin(table->round_keys), std::end(table->round_keys), [](auto word) { return word == 0; }));
    EXPECT_EQ(table->counter_low, 0u);
  }
}

TEST_F(CudaKernelsTest, KernelsThatAnswerOtherwiseAreNotUsed) {
  for (const char* kernel : {"passnet_draw", "passnet_claim_strays", "passnet_write_strays", "passnet_compare"}) {
    fake_.add_kernel(kernel, "8", DoNothing);
    auto loaded = Load();
    fake_.add_kernel(kernel, nullptr, nullptr);
    ASSERT_FALSE(loaded) << kernel;
    EXPECT_THAT(loaded.error().context, HasSubstr("the device answers otherwise than the host")) << kernel;
  }
}

TEST_F(CudaKernelsTest, CompilersThatCannotAreNamed) {
  auto none = CudaKernels::Load(context_, {"libnvrtc-that-is-not-there.so.1"}, 90);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().context, HasSubstr("libnvrtc-that-is-not-there.so.1"));
  EXPECT_THAT(CudaKernels::Load(context_, {"libc.so.6"}, 90).error().context, HasSubstr("libc.so.6 has no nvrtcVersion"));
  EXPECT_THAT(Load(70).error().context, HasSubstr("compute capability 70"));
  fake_.failing_code = 6;
  fake_.failing_after = 0;
  fake_.failing_call = "nvrtcCompileProgram";
  EXPECT_THAT(Load().error().context, AllOf(HasSubstr("do not compile"), HasSubstr("entries.cu(1): error")));
}

// A device that the compiler does not know yet is given PTX, which its driver translates.
TEST_F(CudaKernelsTest, NewDevicesAreGivenPtx) {
  auto nvrtc = NvrtcLibrary::Load({"libnvrtc-that-is-not-there.so.1", fakes::FakeCudaPath()}).value();
  EXPECT_THAT(nvrtc->CompileKernels(90).value(), HasSubstr("sm_90"));
  EXPECT_THAT(nvrtc->CompileKernels(120).value(), HasSubstr("compute_90"));
  EXPECT_THAT(nvrtc->CompileKernels(86).value(), HasSubstr("compute_80"));
  EXPECT_THAT(nvrtc->CompileKernels(90).value(), AllOf(HasSubstr(".entry passnet_draw("), HasSubstr(".entry passnet_compare(")));
}

TEST_F(CudaKernelsTest, CompilerIsLookedForBesideTorch) {
  const fakes::TempFolder folder("nvrtc");
  const std::filesystem::path lib = folder / "lib/python3.12/site-packages/nvidia/cu13/lib";
  std::filesystem::create_directories(lib);
  for (const char* name : {"libnvrtc.so.13", "libnvrtc-builtins.so.13.0", "libnvJitLink.so.13"}) std::ofstream(lib / name) << "x";
  EXPECT_THAT(NvrtcLibraries(folder / "bin/python"),
              ElementsAre((lib / "libnvrtc.so.13").string(), "libnvrtc.so.13", "libnvrtc.so.12"));
}

TEST_F(CudaKernelsTest, EverySourceThatIsIncludedIsATextToo) {
  const auto& texts = kernels::Texts();
  for (const auto& [name, text] : texts) {
    for (size_t at = text.find("#include"); at != std::string_view::npos; at = text.find("#include", at + 1)) {
      const size_t open = text.find('"', at), close = text.find('"', open + 1);
      const std::string_view wanted = text.substr(open + 1, close - open - 1);
      EXPECT_TRUE(std::any_of(texts.begin(), texts.end(), [&](const auto& one) { return one.first == wanted; }))
          << name << " includes " << wanted;
    }
  }
}

TEST_F(CudaKernelsTest, WhateverFailsNothingIsLeft) {
  const long before = fake_.live;
  int failed = 0;
  for (const char* call : {"cuModuleLoadData", "cuModuleGetFunction", "cuStreamCreate", "cuMemCreate", "cuMemHostAlloc",
                           "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemsetD8Async", "cuLaunchKernel",
                           "nvrtcCreateProgram", "nvrtcCompileProgram", "nvrtcGetCUBINSize", "nvrtcGetNumSupportedArchs"}) {
    for (int after = 0; after < 3; ++after) {
      fake_.failing_code = cuda::kOutOfMemory;
      fake_.failing_after = after;
      fake_.failing_call = call;
      failed += Load() ? 0 : 1;
      fake_.failing_call = "";
      EXPECT_EQ(fake_.live, before) << call << " " << after;
    }
  }
  EXPECT_GT(failed, 25);
}

volatile bool has_ended = false;
BESIDE void EndLate(void**) {
  const timespec late{0, 300'000'000};
  ::syscall(SYS_nanosleep, &late, nullptr);
  has_ended = true;
}

// What is compared is the caller's again once the call has returned, also where it failed half way.
TEST_F(CudaKernelsTest, ComparisonThatFailsHasEnded) {
  auto loaded = Load();
  ASSERT_TRUE(loaded) << loaded.error().context;
  fake_.add_kernel("passnet_compare", "8", EndLate);
  auto memory = CudaMemory::Create(context_, 4096, false);
  ASSERT_TRUE(memory);
  kernels::CompareStep step;
  step.expected = step.actual = memory.value().at();
  step.elements = 16;
  step.type = kernels::kInt64;
  has_ended = false;
  fake_.failing_code = cuda::kOutOfMemory;
  fake_.failing_after = 0;
  fake_.failing_call = "cuMemcpyDtoHAsync_v2";
  EXPECT_FALSE(loaded.value()->Compare({step}));
  EXPECT_TRUE(has_ended);
}

TEST_F(CudaKernelsTest, DeviceWithoutThemSaysWhyAndWorks) {
  const fakes::TempFolder folder("kernels");
  CudaDeviceOptions options;
  options.torch_device = "cpu";
  options.driver_library = options.nvml_library = fakes::FakeCudaPath();
  options.lock_folder = folder / "locks";
  options.answer_limit = std::chrono::seconds(60);
  options.nvrtc_libraries = {"libnvrtc-that-is-not-there.so.1"};
  auto without = CudaDevice::Open(options).value();
  EXPECT_THAT(without->facts().no_kernels, HasSubstr("no NVRTC, which torch's CUDA wheels bring"));
  EXPECT_FALSE(without->Seats().Take({64, 64, 64, 64}).value()->WorksThere());
  options.nvrtc_libraries = {fakes::FakeCudaPath()};
  auto with = CudaDevice::Open(options).value();
  EXPECT_THAT(with->facts().no_kernels, IsEmpty());
  EXPECT_TRUE(with->Seats().Take({64, 64, 64, 64}).value()->WorksThere());
}

// A seat of a device that draws and compares by itself.
class DrawingSeatTest : public CudaKernelsTest {
 protected:
  void SetUp() override {
    kernels_ = Load().value();
    seat_ = MakeSeat();
    Json fields = Json::MakeObject();
    seat_->AddAttachFields(&fields);
    inputs_ = CudaMemory::Import(context_, seat_->Descriptors()[1], fields["device"]["inputs_bytes"].Unsigned()).value();
    arena_ = CudaMemory::Import(context_, seat_->Descriptors()[2], fields["device"]["arena_bytes"].Unsigned()).value();
  }
  std::unique_ptr<SeatMemory> MakeSeat() const {
    return CudaSeat::Create(context_, {"GPU-0"}, {4096, 1024, 1 << 16, 8192}, kernels_).value();
  }
  static std::byte* Bytes(const CudaMemory& memory) { return reinterpret_cast<std::byte*>(memory.at()); }
  std::shared_ptr<KeptRun> Kept(std::vector<MemoryRange> outputs, std::vector<MemoryRange> inputs = {},
                                std::shared_ptr<KeptRun> used = nullptr) {
    EXPECT_TRUE(seat_->Snapshot([&](std::span<const std::byte>) { return KeptRanges{outputs, inputs}; }, InTime()));
    return seat_->KeepRun(std::move(used)).value();
  }
  static kernels::CompareStep Floats(uint64_t expected, uint64_t actual, uint64_t elements) {
    kernels::CompareStep step;
    step.expected = expected;
    step.actual = actual;
    step.elements = elements;
    step.type = kernels::kFloat32;
    step.levels = 2;
    step.rtol[1] = step.atol[1] = 0.1;
    return step;
  }
  void Write(uint64_t offset, std::vector<float> values) { std::memcpy(Bytes(arena_) + offset, values.data(), 4 * values.size()); }

  std::shared_ptr<CudaKernels> kernels_;
  std::unique_ptr<SeatMemory> seat_;
  CudaMemory inputs_, arena_;
};

TEST_F(DrawingSeatTest, DrawnInputsAreSeenByNobodyBeforeTheyAreRevealed) {
  ASSERT_TRUE(seat_->StageDrawn(Recipe(3)));
  EXPECT_TRUE(std::all_of(Bytes(inputs_), Bytes(inputs_) + 4096, [](std::byte one) { return one == std::byte{0}; }));
  ASSERT_TRUE(seat_->Reveal(InTime()));
  EXPECT_EQ(std::vector<std::byte>(Bytes(inputs_), Bytes(inputs_) + 4096), OnTheHost(Recipe(3)));
}

TEST_F(DrawingSeatTest, InputsDoNotTravel) {
  ASSERT_TRUE(seat_->StageDrawn(Recipe(3)));
  const unsigned long long before = fake_.host_bytes;
  ASSERT_TRUE(seat_->StageDrawn(Recipe(4)));
  EXPECT_LT(fake_.host_bytes - before, 1200u) << "two tables and four steps; what is given is there";
}

TEST_F(DrawingSeatTest, RunsStayWhenTheSeatRunsAgain) {
  Write(0, {1, 2, 3, 4});
  const auto first = Kept({{kLentAt, kLentAt + 16}});
  Write(0, {1, 2.2f, 3, 9});
  const auto second = Kept({{kLentAt, kLentAt + 16}});
  Write(0, {5, 5, 5, 5});
  std::vector<float> values(4);
  ASSERT_TRUE(first->Read(kLentAt, std::as_writable_bytes(std::span(values))));
  EXPECT_THAT(values, ElementsAre(1, 2, 3, 4));
  const auto results = first->Compare(*second, {Floats(kLentAt, kLentAt, 2), Floats(kLentAt, kLentAt, 4), Floats(kLentAt, kLentAt, 1)});
  ASSERT_TRUE(results) << results.error().context;
  EXPECT_EQ(results.value()[0].tightest, 1u);
  EXPECT_EQ(results.value()[1].tightest, 2u);
  EXPECT_EQ(kernels::DoubleOf(results.value()[1].largest_difference), 5);
  EXPECT_EQ(results.value()[2].unequal, 0u);
}

TEST_F(DrawingSeatTest, WhatWasNotKeptIsNotCompared) {
  const auto run = Kept({{kLentAt + 512, kLentAt + 768}, {0x7f0000000000, 0x7f0000000040}});
  EXPECT_TRUE(run->Has(kLentAt + 512, 256));
  EXPECT_FALSE(run->Has(kLentAt + 512, 257));
  EXPECT_FALSE(run->Has(kLentAt + 4096, 1));
  EXPECT_FALSE(run->Has(0x7f0000000000, 4));
  EXPECT_EQ(run->Compare(*run, {Floats(kLentAt + 512, kLentAt + 4096, 2)}).error().code, ErrorCode::kInternal);
  std::byte one;
  EXPECT_EQ(run->Read(kLentAt + 4096, {&one, 1}).error().code, ErrorCode::kUnavailable);
}

// Ranges that a worker made up lie before an honest one: what is read of the latter is aligned all the same.
TEST_F(DrawingSeatTest, CopiesHaveTheAlignmentOfWhatTheyAreOf) {
  Write(64, {1, 2, 3, 4});
  const auto run = Kept({{kLentAt + 3, kLentAt + 21}, {kLentAt + 64, kLentAt + 80}});
  fake_.add_kernel("passnet_compare", "8", TellAlignment);
  EXPECT_EQ(run->Compare(*run, {Floats(kLentAt + 64, kLentAt + 64, 4)}).value()[0].tightest, 0u);
}

TEST_F(DrawingSeatTest, ChangedInputsAreFound) {
  ASSERT_TRUE(seat_->StageDrawn(Recipe(3)));
  ASSERT_TRUE(seat_->Reveal(InTime()));
  const std::vector<MemoryRange> inputs = {{0, 1000}, {1024, 3824}, {3825, 3832}, {4000, 4000}};
  EXPECT_THAT(seat_->Changed(inputs).value(), ElementsAre(false, false, false, false));
  Bytes(inputs_)[3823] ^= std::byte{1};
  EXPECT_THAT(seat_->Changed(inputs).value(), ElementsAre(false, true, false, false));
  Bytes(inputs_)[3831] ^= std::byte{1};
  Bytes(inputs_)[999] ^= std::byte{1};
  EXPECT_THAT(seat_->Changed(inputs).value(), ElementsAre(true, true, true, false));
}

TEST_F(DrawingSeatTest, MemoryOfARunThatNobodyLooksAtIsUsedAgain) {
  auto run = Kept({{kLentAt, kLentAt + 4096}});
  const long before = fake_.live;
  run = Kept({{kLentAt, kLentAt + 4096}}, {}, std::move(run));
  EXPECT_EQ(fake_.live, before);
}

// A device that hangs outside of the clock is no contender's time-out.
TEST_F(DrawingSeatTest, FailingDrawsAreOurs) {
  fake_.failing_code = cuda::kLaunchFailed;
  fake_.failing_after = 0;
  fake_.failing_call = "cuLaunchKernel";
  EXPECT_EQ(seat_->StageDrawn(Recipe(3)).error().code, ErrorCode::kIo);
  const auto run = Kept({{kLentAt, kLentAt + 64}});
  fake_.failing_after = 0;
  EXPECT_EQ(run->Compare(*run, {Floats(kLentAt, kLentAt, 4)}).error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace passnet::evaluator
