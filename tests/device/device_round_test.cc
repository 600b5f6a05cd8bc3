// A whole round on the stand-in device: inputs as a recipe, outputs compared where they lie, and the same verdicts as with
// the host's own drawing and comparing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstring>

#include "evaluator/device/cuda_device.h"
#include "evaluator/lane/outputs.h"
#include "evaluator/lane/round.h"
#include "tests/device/program_zygote.h"
#include "tests/device/worker_words.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::seconds kRoundPatience{60};
constexpr uint32_t kRoundSlots = 4;

int SomeCore() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
  int core = 0;
  while (!CPU_ISSET(static_cast<size_t>(core), &set)) ++core;
  return core;
}

SlotLayout Calls() {
  passbench::TensorMeta input;
  input.name = "x";
  input.shape = {kElements};
  input.dtype = passbench::DType::kFloat32;
  input.mean = 3;
  input.std = 1;
  SlotOutput output;
  output.dtype = "float32";
  output.scalar_type = ScalarTypeOf("float32");
  output.shape = {kElements};
  output.strides = {1};
  output.bytes = kElements * sizeof(float);
  output.elements = kElements;
  return MakeLayout({input}, {output}, kRoundSlots);
}

// Whether the device draws and compares by itself; the host does otherwise.
class DeviceRoundTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    CudaDeviceOptions options;
    options.torch_device = "cpu";
    options.driver_library = options.nvml_library = fakes::FakeCudaPath();
    options.lock_folder = folder_ / "locks";
    options.answer_limit = kRoundPatience;
    options.late_by = std::chrono::milliseconds(50);  // this device's work is the host's, which is busy
    options.nvrtc_libraries = {GetParam() ? fakes::FakeCudaPath() : "libnvrtc-that-is-not-there.so.1"};
    device_ = CudaDevice::Open(options).value();
    plan_.warm_up_blocks = 1;
    plan_.timed_blocks = 3;
  }
  void TearDown() override {
    fakes::FakeCuda().failing_call = "";
    fakes::FakeCuda().others = nullptr;
  }

  Status Give(Side& side, const std::string& behaviour) {
    ForkSpec spec;
    spec.role = "candidate";
    spec.first_frame = Json{{"behaviour", behaviour},
                            {"driver", fakes::FakeCudaPath()},
                            {"stand_in", true},
                            {"layout", side.AttachFields()}}
                           .Dump();
    spec.fds = side.memory().Descriptors();
    ASSIGN_OR_RETURN(auto process, WorkerProcess::Fork(zygote_, spec, Deadline::After(kRoundPatience)));
    RETURN_IF_ERROR(process->Stop());
    side.Take(std::move(process), false);
    return OkStatus();
  }

  // `mutated`: the graph changes its input.
  Result<RoundOutcome> Round(const std::string& contender, bool mutated = false) {
    const OutputComparer comparer(layout_, {mutated});
    SeatPool pool = device_->Seats();
    const SeatMakers makers{[&](Side& side) { return Give(side, "honest"); },
                            [&](Side& side) -> Result<std::optional<CallFailure>> {
                              RETURN_IF_ERROR(Give(side, contender));
                              return std::optional<CallFailure>();
                            }};
    ASSIGN_OR_RETURN(Seats seats, MakeSeats(layout_, makers, false, pool));
    const auto given = GivenOf(layout_, published_);
    const int core = SomeCore();
    HelperThread data("data", {core}), maker("maker", {core});
    SecretStream decisions, draws;
    const Ablation ablation;
    const RoundContext context{layout_, published_, given,   false,    comparer, blocks_, data,
                               maker,   decisions,  draws, *device_, core,     ablation};
    return RunRound(context, seats, plan_, &seen_);
  }

  static InputSet Published() {
    std::vector<std::byte> bytes(kElements * sizeof(float));
    for (uint32_t i = 0; i < kElements; ++i) {
      const auto value = static_cast<float>(i);
      std::memcpy(bytes.data() + i * sizeof value, &value, sizeof value);
    }
    return {bytes};
  }

  const fakes::TempFolder folder_{"round"};
  const SlotLayout layout_ = Calls();
  const InputSet published_ = Published();
  const std::shared_ptr<fakes::ProgramZygote> zygote_ =
      std::make_shared<fakes::ProgramZygote>(fakes::BinaryDir() + "/bin/passnet_device_worker");
  std::unique_ptr<CudaDevice> device_;
  RoundPlan plan_;
  Blocks blocks_;
  Observations seen_;
};

TEST_P(DeviceRoundTest, HonestRoundIsRight) {
  auto outcome = Round("honest");
  ASSERT_TRUE(outcome) << outcome.error().context;
  ASSERT_TRUE(outcome.value().times);
  EXPECT_EQ(outcome.value().timed_calls, 12);
  EXPECT_FALSE(seen_.failure);
  ASSERT_TRUE(seen_.published);
  EXPECT_EQ(seen_.published->Level(), 0) << seen_.published->reason;
  EXPECT_EQ(seen_.plain.Beyond(0), 0);
  EXPECT_EQ(seen_.strayed.Beyond(0), 0);
  EXPECT_EQ(seen_.plain.Calls() + seen_.strayed.Calls(), 15) << "all but the published call";
  EXPECT_GT(seen_.answers_compared, 0);
  EXPECT_EQ(seen_.answers_alike, 0) << "every call has inputs of its own";
  EXPECT_THAT(seen_.changed_input, IsEmpty());
  EXPECT_FALSE(seen_.shares_memory);
  EXPECT_FALSE(seen_.view_of_input);
}

TEST_P(DeviceRoundTest, WorkOfOthersIsCounted) {
  ASSERT_TRUE(device_->LearnQuiet());
  const std::atomic<uint32_t> others{1};
  for (const bool beside : {false, true}) {
    fakes::FakeCuda().others = beside ? &others : nullptr;
    auto outcome = Round("honest");
    ASSERT_TRUE(outcome) << outcome.error().context;
    EXPECT_EQ(outcome.value().flushes.asked, 9) << "of three seats in three timed blocks";
    EXPECT_EQ(outcome.value().flushes.Quiet(), !beside) << outcome.value().flushes.late;
  }
}

TEST_P(DeviceRoundTest, WrongAnswersAreSeenAndTold) {
  ASSERT_TRUE(Round("idle"));
  EXPECT_EQ(seen_.plain.Beyond(kStandardLevel), seen_.plain.Calls());
  EXPECT_EQ(seen_.strayed.Beyond(kStandardLevel), seen_.strayed.Calls());
  EXPECT_TRUE(seen_.published->nonfinite_mismatch) << "what is allocated is poisoned";
  ASSERT_EQ(seen_.published->mismatches.size(), 1u);
  const OutputMismatch& told = seen_.published->mismatches[0];
  EXPECT_EQ(told.told[1].index, "[1]");
  EXPECT_EQ(told.told[1].expected, "2");
  EXPECT_THAT(told.told[1].got, HasSubstr("nan"));
}

// By the device alone.
class RoundOfTheDeviceTest : public DeviceRoundTest {};

TEST_P(RoundOfTheDeviceTest, ChangedInputsAreNamed) {
  ASSERT_TRUE(Round("changes_input"));
  EXPECT_EQ(seen_.changed_input, "x");
}

TEST_P(RoundOfTheDeviceTest, InputsThatTheGraphChangesAreCompared) {
  ASSERT_TRUE(Round("honest", true));
  EXPECT_EQ(seen_.plain.Beyond(0) + seen_.strayed.Beyond(0), 0);
  seen_ = {};
  ASSERT_TRUE(Round("changes_input", true));
  EXPECT_THAT(seen_.changed_input, IsEmpty());
  EXPECT_GT(seen_.plain.Beyond(kStandardLevel) + seen_.strayed.Beyond(kStandardLevel), 0);
}

TEST_P(RoundOfTheDeviceTest, OneTensorHandedOutTwiceIsShared) {
  ASSERT_TRUE(Round("twice"));
  EXPECT_TRUE(seen_.shares_memory);
}

TEST_P(RoundOfTheDeviceTest, OutputsOutsideOfTheArenaAreNoTensors) {
  ASSERT_TRUE(Round("outside"));
  EXPECT_EQ(seen_.published->match, OutputMatch::kNotATensor);
}

// Infrastructure: no figure and no verdict comes of a round that was not compared.
TEST_P(RoundOfTheDeviceTest, DeviceThatCannotCompareEndsTheRound) {
  plan_.warm_up_blocks = 0;
  plan_.timed_blocks = 1;
  fakes::FakeCudaControl& fake = fakes::FakeCuda();
  fake.failing_code = cuda::kLaunchFailed;
  fake.failing_after = 1;  // that no input was changed still comes back; whether outputs are close does not
  fake.failing_call = "cuMemcpyDtoHAsync_v2";
  auto outcome = Round("honest");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kIo);
  EXPECT_FALSE(seen_.failure);
}

INSTANTIATE_TEST_SUITE_P(Compared, DeviceRoundTest, testing::Bool(),
                         [](const auto& chosen) { return chosen.param ? "OnTheDevice" : "OnTheHost"; });
INSTANTIATE_TEST_SUITE_P(Compared, RoundOfTheDeviceTest, testing::Values(true),
                         [](const auto&) { return "OnTheDevice"; });

}  // namespace
}  // namespace passnet::evaluator
