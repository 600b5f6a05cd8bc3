// What a process may try that measures on a device, against the lane's own seat, clock and comparison: on the stand-in, and
// where there is one on a GPU (tests/gpu/device_under_test.h). What is shown is the protocol's, and no figure comes from it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstring>

#include "evaluator/device/cuda_device.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/lane/side.h"
#include "evaluator/worker/run_protocol.h"
#include "tests/device/program_zygote.h"
#include "tests/device/worker_words.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"
#include "tests/gpu/device_under_test.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;

constexpr std::chrono::seconds kPatience{60};
constexpr uint32_t kSlots = 2;

SlotLayout TwoCalls() {
  passbench::TensorMeta input;
  input.name = "x";
  input.shape = {kElements};
  input.dtype = passbench::DType::kFloat32;
  SlotOutput output;
  output.dtype = "float32";
  output.scalar_type = ScalarTypeOf("float32");
  output.shape = {kElements};
  output.strides = {1};
  output.bytes = kElements * sizeof(float);
  output.elements = kElements;
  return MakeLayout({input}, {output}, kSlots);
}

// Whether the device draws and compares by itself; the host does otherwise.
class DeviceAttackTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!under_test_.why_not.empty()) GTEST_SKIP() << under_test_.why_not;
    CudaDeviceOptions options = under_test_.Options(folder_ / "locks");
    options.answer_limit = kPatience;
    options.nvrtc_libraries = under_test_.nvrtc_libraries;
    if (!GetParam()) options.nvrtc_libraries = {"libnvrtc-that-is-not-there.so.1"};
    auto opened = CudaDevice::Open(options);
    ASSERT_TRUE(opened) << opened.error().context;
    device_ = std::move(opened).value();
    ASSERT_EQ(device_->facts().no_kernels.empty(), GetParam()) << device_->facts().no_kernels;
    pool_ = std::make_unique<SeatPool>(device_->Seats());
  }
  void TearDown() override {
    if (!under_test_.stand_in) return;
    fakes::FakeCuda().hangs = false;
    fakes::FakeCuda().others = nullptr;
  }

  // A seat with a process that behaves so, stopped and ready.
  Side SeatOf(const std::string& behaviour) {
    SeatSizes sizes = layout_.Sizes();
    sizes.headers += kWordsBytes;
    Side side(layout_, pool_->Take(sizes).value());
    ForkSpec spec;
    spec.role = "candidate";
    spec.first_frame = Json{{"behaviour", behaviour},
                            {"driver", under_test_.driver_library},
                            {"stand_in", under_test_.stand_in},
                            {"layout", side.AttachFields()}}
                           .Dump();
    spec.fds = side.memory().Descriptors();
    auto process = WorkerProcess::Fork(zygote_, spec, Deadline::After(kPatience));
    EXPECT_TRUE(process) << process.error().context;
    EXPECT_TRUE(process.value()->Stop());
    side.Take(std::move(process).value(), false);
    side.Keep(comparer_.Finder(checked_));
    void* at = ::mmap(nullptr, sizes.headers, PROT_READ | PROT_WRITE, MAP_SHARED, side.memory().Descriptors()[0], 0);
    EXPECT_NE(at, MAP_FAILED);
    words_ = reinterpret_cast<WorkerWords*>(static_cast<std::byte*>(at) + layout_.OutBytes());
    return side;
  }

  std::vector<std::byte> Inputs() const {
    std::vector<std::byte> bytes(layout_.InBytes());
    for (uint32_t slot = 0; slot < kSlots; ++slot) {
      for (uint32_t i = 0; i < kElements; ++i) {
        const float value = static_cast<float>(1 + i + 100 * slot);
        std::memcpy(bytes.data() + slot * layout_.in_stride + i * sizeof value, &value, sizeof value);
      }
    }
    return bytes;
  }
  static Result<RunTime> Call(Side& side, uint32_t calls = kSlots) {
    return side.Run(PN_RUN_CALL, calls, Deadline::After(kPatience));
  }
  OutputBatch Outputs(const Side& side) const {
    OutputBatch batch;
    EXPECT_TRUE(comparer_.Read(side, checked_, &batch));
    return batch;
  }
  // What eager answers.
  OutputBatch Expected() {
    Side eager = SeatOf("honest");
    EXPECT_TRUE(eager.Fill(Inputs()));
    EXPECT_TRUE(Call(eager));
    return Outputs(eager);
  }
  bool Right(const OutputBatch& batch, uint32_t slot = 0) {
    const OutputComparison comparison = comparer_.Compare(Expected(), batch, slot).value();
    return comparison.match == OutputMatch::kCompared && comparison.tightest == 0;
  }

  const fakes::DeviceUnderTest& under_test_ = fakes::TheDevice();
  const fakes::TempFolder folder_{"attack"};
  const SlotLayout layout_ = TwoCalls();
  const OutputComparer comparer_{layout_, {false}};
  const std::vector<bool> checked_{true, true};
  const std::shared_ptr<fakes::ProgramZygote> zygote_ =
      std::make_shared<fakes::ProgramZygote>(fakes::BinaryDir() + "/bin/passnet_device_worker");
  std::unique_ptr<CudaDevice> device_;
  std::unique_ptr<SeatPool> pool_;
  WorkerWords* words_ = nullptr;
};

TEST_P(DeviceAttackTest, HonestCallsAreRight) {
  Side side = SeatOf("honest");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  const OutputBatch batch = Outputs(side);
  float first = 0;
  if (batch.kept) {
    ASSERT_TRUE(batch.kept->Read(batch.outputs[0].header.data, std::as_writable_bytes(std::span(&first, 1))));
  } else {
    std::memcpy(&first, batch.bytes.data() + batch.outputs[0].offset, sizeof first);
  }
  EXPECT_EQ(first, 2);
  EXPECT_TRUE(Right(batch, 0));
  EXPECT_TRUE(Right(batch, 1));
  EXPECT_EQ(OutputInInputs(side, batch).value(), -1);
  EXPECT_EQ(comparer_.ChangedInput(side, Inputs(), checked_).value(), -1);
}

// The fixed part of the window, which is taken off: a run of no calls reveals, starts, answers and copies the same outputs.
TEST_P(DeviceAttackTest, RunOfNoCallsKeepsTheOutputsOfTheRunBefore) {
  Side side = SeatOf("honest");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  const unsigned before = under_test_.stand_in ? fakes::FakeCuda().copies.load() : 0;
  ASSERT_TRUE(Call(side, 0));
  if (under_test_.stand_in) {
    EXPECT_EQ(fakes::FakeCuda().copies - before, 2u) << "one copy reveals, one takes the neighbouring outputs";
  }
  EXPECT_TRUE(Right(Outputs(side)));
}

TEST_P(DeviceAttackTest, WorkThatGoesOnAfterTheAnswerIsMissing) {
  for (const char* behaviour : {"late", "side_stream"}) {
    Side side = SeatOf(behaviour);
    ASSERT_TRUE(side.Fill(Inputs()));
    ASSERT_TRUE(Call(side));
    // The process is stopped and its kernels go on: they write all the same, into memory that nobody looks at any more.
    words_->release = 1;
    while (words_->late < kSlots) ::usleep(100);
    EXPECT_FALSE(Right(Outputs(side))) << behaviour;
  }
}

TEST_P(DeviceAttackTest, KernelThatWaitsSeesInputsInsideOfTheClockOnly) {
  Side side = SeatOf("persistent");
  ASSERT_TRUE(side.Fill(Inputs()));
  const uint32_t looked = words_->looks;
  while (words_->looks < looked + 20 && words_->seen == 0) ::usleep(100);  // the process is stopped; its kernel is not
  EXPECT_EQ(words_->seen, 0u) << "the inputs are drawn and lie on the device";
  ASSERT_TRUE(Call(side));
  EXPECT_TRUE(Right(Outputs(side))) << "it may wait: what it does is done while the clock runs";
}

// Its process is stopped and answered in time, and its calls are right. What it left on the device would slow eager's blocks.
TEST_P(DeviceAttackTest, KernelThatStaysOnTheDeviceIsHeard) {
  ASSERT_TRUE(device_->LearnQuiet());
  Side honest = SeatOf("honest");
  ASSERT_TRUE(honest.Fill(Inputs()));
  ASSERT_TRUE(Call(honest));
  EXPECT_TRUE(device_->IsQuiet().value()) << "a process that waits is none that works";
  Side side = SeatOf("spins");
  WorkerWords& words = *words_;
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  while (words.spinning == 0) ::usleep(100);
  if (under_test_.stand_in) fakes::FakeCuda().others = &words.spinning;  // a GPU needs nobody to say so
  EXPECT_FALSE(device_->IsQuiet().value());
  EXPECT_TRUE(Right(Outputs(side))) << "nothing else is wrong with it";
  side.process().End();
  words.spinning = 0;
  EXPECT_TRUE(device_->IsQuiet().value()) << "what a killed process had there is gone with it";
}

TEST_P(DeviceAttackTest, OutputsOutsideOfTheArenaAreNotRead) {
  Side side = SeatOf("outside");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  const OutputComparison comparison = comparer_.Compare(Expected(), Outputs(side), 0).value();
  EXPECT_EQ(comparison.match, OutputMatch::kNotATensor);
  EXPECT_THAT(comparison.reason, HasSubstr("cannot be read"));
}

TEST_P(DeviceAttackTest, OutputsInTheInputsAreViewsOfThem) {
  Side side = SeatOf("view");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  EXPECT_EQ(OutputInInputs(side, Outputs(side)).value(), 0);
}

TEST_P(DeviceAttackTest, OneTensorHandedOutTwiceIsShared) {
  Side side = SeatOf("twice");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  EXPECT_TRUE(comparer_.SharesMemory(Outputs(side)));
}

TEST_P(DeviceAttackTest, ChangedInputsAreFound) {
  Side side = SeatOf("changes_input");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  EXPECT_EQ(comparer_.ChangedInput(side, Inputs(), checked_).value(), 0);
}

// What a process left on the device is not there for one of a later round, which only has to point at it.
TEST_P(DeviceAttackTest, OutputsOfTheProcessBeforeAreGone) {
  Side first = SeatOf("honest");
  ASSERT_TRUE(first.Fill(Inputs()));
  ASSERT_TRUE(Call(first));
  ASSERT_TRUE(Right(Outputs(first)));
  auto memory = std::move(first).End();
  ASSERT_TRUE(memory);
  const SeatMemory* known = memory.get();
  pool_->GiveBack(std::move(memory));
  Side second = SeatOf("idle");
  ASSERT_EQ(&second.memory(), known);
  ASSERT_TRUE(second.Fill(Inputs()));
  ASSERT_TRUE(Call(second));
  EXPECT_FALSE(Right(Outputs(second)));
}

TEST_P(DeviceAttackTest, DeviceThatIsKeptIsTheContendersTimeout) {
  if (!under_test_.stand_in) GTEST_SKIP() << "a GPU shares its time among processes: only the stand-in can be kept";
  Side side = SeatOf("honest");
  ASSERT_TRUE(side.Fill(Inputs()));
  fakes::FakeCuda().hangs = true;  // for this process: its copy gets no turn
  auto time = side.Run(PN_RUN_CALL, kSlots, Deadline::After(std::chrono::milliseconds(20)));
  fakes::FakeCuda().hangs = false;
  ASSERT_FALSE(time);
  ASSERT_TRUE(side.failure());
  EXPECT_EQ(side.failure()->kind, CallFailureKind::kTimeout);
}

TEST_P(DeviceAttackTest, DeviceThatHangsAfterTheKillIsQuarantined) {
  Side side = SeatOf("late");
  ASSERT_TRUE(side.Fill(Inputs()));
  ASSERT_TRUE(Call(side));
  side.process().End();
  EXPECT_TRUE(device_->CheckAnswers()) << "what a killed process queued is gone with it";
  if (!under_test_.stand_in) return;  // nobody makes a GPU hang for a test
  CudaDeviceOptions options = under_test_.Options(folder_ / "locks");
  options.answer_limit = std::chrono::milliseconds(200);
  auto beside = CudaDevice::Open(options);
  ASSERT_TRUE(beside) << beside.error().context;
  fakes::FakeCuda().hangs = true;
  EXPECT_EQ(beside.value()->CheckAnswers().error().code, ErrorCode::kUnavailable);
  fakes::FakeCuda().hangs = false;
  auto lease = device_->Lease(Deadline::After(Nanos(0)), {});
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, ErrorCode::kUnavailable);
}

INSTANTIATE_TEST_SUITE_P(Compared, DeviceAttackTest, testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "OnTheDevice" : "OnTheHost"; });

}  // namespace
}  // namespace passnet::evaluator
