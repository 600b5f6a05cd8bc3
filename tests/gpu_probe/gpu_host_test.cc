// The program passnet-gpu-probe over a stand-in driver: as itself, and in the chain of jails in which candidates run. What
// the stand-in's cuInit does there is what the real one is known to need.
#include <filesystem>

#include <gmock/gmock.h>

#include "evaluator/gpu_probe/gpu_check.h"
#include "sandbox/probe.h"
#include "tests/fakes/paths.h"

namespace passnet::gpu_probe {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kListed[] = "0xc020462a";    // _IOWR('F', RM_CONTROL, 0x20)
constexpr char kUnlisted[] = "0xc02046d3";  // _IOWR('F', XFER_CMD, 0x20)

const sandbox::HostGpu kGpu{0, "", "", ""};
// /dev/full stands for the node: it opens for reading and writing, and knows no command.
const sandbox::GpuAccess kAccess{{"/dev/full"}, {"/sys/devices/system/cpu"}};

std::string Here() { return fakes::BinaryDir() + "/tests/gpu_probe"; }
std::string Cuda() { return Here() + "/fake_libcuda.so"; }

std::unique_ptr<GpuHost> Host(std::vector<std::pair<std::string, std::string>> environment) {
  GpuHostOptions options;
  options.program = fakes::BinaryDir() + "/bin/passnet-gpu-probe";
  options.arguments = {"--libcuda", Cuda(), "--libnvidia-ml", Here() + "/fake_libnvidia_ml.so"};
  options.environment = std::move(environment);
  options.readable = {fakes::BinaryDir() + "/lib"};  // the stand-in that the library needs
  return ThisMachine(std::move(options));
}

std::vector<Trial> Plain(std::vector<std::pair<std::string, std::string>> environment) {
  const Result<std::vector<Trial>> trials = Host(std::move(environment))->TryPlain(kGpu);
  EXPECT_TRUE(trials) << trials.error().context;
  return trials ? *trials : std::vector<Trial>();
}

// "driver ok, device ok, kernel FAILED: …"; how much the clock scatters is the machine's matter.
std::string Told(const std::vector<Trial>& trials) {
  std::string text;
  for (const Trial& trial : trials) {
    if (trial.name == "clock noise") continue;
    text += (text.empty() ? "" : ", ") + trial.name + (trial.ok ? " ok" : " FAILED: " + trial.found);
  }
  return text;
}

TEST(GpuHostTest, EveryTrialIsComeTo) {
  const std::vector<Trial> trials = Plain({});
  EXPECT_EQ(Told(trials), "driver ok, device ok, memory export ok, kernel ok, management ok, MIG ok, persistence ok, "
                          "other users ok");
  ASSERT_EQ(trials.size(), 9u);
  EXPECT_EQ(trials[0].found, Cuda() + ", CUDA 13.0");
  EXPECT_THAT(trials[1].found, StartsWith("stand-in, compute capability 9.0"));
  EXPECT_THAT(trials[4].found, HasSubstr("above the median"));
}

TEST(GpuHostTest, TrialThatFailsSaysTheCallAndEndsThem) {
  EXPECT_EQ(Told(Plain({{"FAKE_CUDA_FAULT", "no_device"}})), "driver FAILED: no GPU: cuInit: CUDA_ERROR_NO_DEVICE (100: of the stand-in driver)");
  EXPECT_THAT(Told(Plain({{"FAKE_CUDA_FAULT", "no_export"}})), HasSubstr("memory export FAILED: the device has no virtual"));
  EXPECT_THAT(Told(Plain({{"FAKE_CUDA_FAULT", "wrong_result"}})), HasSubstr("kernel FAILED: element 0 is wrong"));
}

TEST(GpuHostTest, StateOfTheDeviceIsTold) {
  EXPECT_THAT(Told(Plain({{"FAKE_NVML", "bad"}})),
              HasSubstr("MIG FAILED: on, persistence FAILED: off, other users FAILED: 1 other processes compute on it"));
  EXPECT_THAT(Told(Plain({{"FAKE_NVML", "old"}})), HasSubstr("MIG ok"));
}

TEST(GpuHostTest, LibraryThatIsMissingOrEndsTheProgramIsAnError) {
  GpuHostOptions options;
  options.program = fakes::BinaryDir() + "/bin/passnet-gpu-probe";
  options.arguments = {"--libcuda", Here() + "/no_such_library.so"};
  EXPECT_THAT(Told(ThisMachine(options)->TryPlain(kGpu).value()), HasSubstr("driver FAILED: "));
  EXPECT_THAT(Host({{"FAKE_CUDA_FAULT", "silent"}})->TryPlain(kGpu).error().context, HasSubstr("said nothing"));
  options.program = "/no/such/program";
  EXPECT_TRUE(ThisMachine(options)->TryPlain(kGpu).has_error());
}

class GpuJailTest : public testing::Test {
 protected:
  void SetUp() override {
    static const std::string missing = sandbox::Probe().Missing();
    if (!missing.empty()) GTEST_SKIP() << "this host cannot make jails: " << missing;
  }

  static std::string InJail(std::vector<std::pair<std::string, std::string>> environment,
                            const sandbox::GpuAccess& access = kAccess) {
    const Result<std::vector<Trial>> trials = Host(std::move(environment))->TryInJail(kGpu, access, Cuda());
    return trials ? Told(*trials) : trials.error().context;
  }
};

TEST_F(GpuJailTest, WhatTheDriverNeedsWorksWhereACandidateStands) {
  EXPECT_EQ(InJail({{"FAKE_CUDA_NODE", "/dev/full"}, {"FAKE_CUDA_COMMAND", kListed},
                    {"FAKE_CUDA_SYS", "/sys/devices/system/cpu"}}),
            "driver ok, device ok, memory export ok, kernel ok");
}

// The same library, asking for what the jail does not give: the trial above could not pass by never being jailed.
TEST_F(GpuJailTest, WhatTheJailRefusesFailsTheTrial) {
  constexpr char kRefused[] = "driver FAILED: no GPU: cuInit: CUDA_ERROR_OPERATING_SYSTEM (304: ";
  EXPECT_THAT(InJail({{"FAKE_CUDA_NODE", "/dev/full"}, {"FAKE_CUDA_COMMAND", kUnlisted}}), StartsWith(kRefused));
  EXPECT_THAT(InJail({{"FAKE_CUDA_NODE", "/dev/random"}, {"FAKE_CUDA_COMMAND", kListed}}), StartsWith(kRefused));
  EXPECT_THAT(InJail({{"FAKE_CUDA_SYS", "/sys/devices/system/node"}}), StartsWith(kRefused));
  EXPECT_EQ(Told(Plain({{"FAKE_CUDA_NODE", "/dev/full"}, {"FAKE_CUDA_COMMAND", kUnlisted}})).substr(0, 9), "driver ok");
}

// What an operator needs to know on the day on which a driver asks for more than it was allowed.
TEST_F(GpuJailTest, RefusedCallsAreToldByNumber) {
  const std::string refused =
      Host({{"FAKE_CUDA_NODE", "/dev/full"}, {"FAKE_CUDA_COMMAND", kUnlisted}})->RefusedCalls(kGpu, kAccess, Cuda());
  EXPECT_THAT(refused, HasSubstr("ioctl (16) 0xc02046d3"));
  const std::string fewer =
      Host({{"FAKE_CUDA_NODE", "/dev/full"}, {"FAKE_CUDA_COMMAND", kListed}})->RefusedCalls(kGpu, kAccess, Cuda());
  EXPECT_THAT(fewer, Not(HasSubstr("ioctl"))) << "what is allowed is not told";
}

TEST_F(GpuJailTest, NodeThatIsMissingEndsTheStartWithItsName) {
  EXPECT_THAT(InJail({}, {{"/dev/no-such-node"}, {}}), HasSubstr("/dev/no-such-node"));
}

}  // namespace
}  // namespace passnet::gpu_probe
