#include "evaluator/device/cuda_device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluator/device/cpu_device.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/temp_folder.h"

namespace passnet::evaluator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kUuid = "GPU-00112233-4455-6677-8899-aabbccddeeff";

class CudaDeviceTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_ / "pci" / "0000:0a:00.0"); }
  void TearDown() override {
    fake_.hangs = false;
    fake_.throttle = 0;
    fake_.process_count = 0;
    fake_.failing_call = "";
    fake_.shares_memory = true;
    fake_.others = nullptr;
  }
  CudaDeviceOptions Options(const std::string& user = "ours") const {
    CudaDeviceOptions options;
    options.torch_device = "cpu";
    options.driver_library = options.nvml_library = fakes::FakeCudaPath();
    options.lock_folder = folder_ / user;
    options.pci_folder = folder_ / "pci";
    options.answer_limit = std::chrono::milliseconds(100);
    return options;
  }
  // Generous where the device is to answer.
  std::unique_ptr<CudaDevice> Open(const std::string& user = "ours") const {
    CudaDeviceOptions options = Options(user);
    options.answer_limit = std::chrono::seconds(60);
    return CudaDevice::Open(options).value();
  }
  static Deadline AtOnce() { return Deadline::After(Nanos(0)); }

  fakes::FakeCudaControl& fake_ = fakes::FakeCuda();
  const fakes::TempFolder folder_{"device"};
};

TEST_F(CudaDeviceTest, FactsAreWhatDriverAndNvmlSay) {
  const auto device = Open();
  const DeviceFacts& facts = device->facts();
  EXPECT_EQ(facts.kind, "cuda");
  EXPECT_EQ(facts.name, "stand-in");
  EXPECT_EQ(facts.uuid, kUuid);
  EXPECT_EQ(facts.pci, "0000:0a:00.0");
  EXPECT_EQ(facts.compute_major, 9);
  EXPECT_EQ(facts.multiprocessors, 132);
  EXPECT_EQ(facts.l2_bytes, 1u << 20);
  EXPECT_EQ(facts.driver_version, 13000);
  EXPECT_TRUE(facts.ecc);
  EXPECT_EQ(facts.persistence, true);
  EXPECT_EQ(facts.mig, false);
  EXPECT_GT(facts.copy_bytes_per_us, 0);
}

TEST_F(CudaDeviceTest, MachineWithoutADriverHasNoGpu) {
  CudaDeviceOptions options = Options();
  options.driver_library = "libcuda-that-is-not-there.so.1";
  auto none = CudaDevice::Open(options);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().context, HasSubstr("no GPU: libcuda-that-is-not-there.so.1"));
}

TEST_F(CudaDeviceTest, DriversThatCannotAreNamed) {
  CudaDeviceOptions options = Options();
  options.driver_library = "libc.so.6";
  EXPECT_THAT(CudaDevice::Open(options).error().context, HasSubstr("libc.so.6 has no cuInit"));
  fake_.failing_code = cuda::kNoDevice;
  fake_.failing_after = 0;
  fake_.failing_call = "cuInit";
  auto none = CudaDevice::Open(Options());
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(none.error().context, HasSubstr("no GPU: cuInit: CUDA_ERROR_NO_DEVICE"));
  fake_.failing_call = "";
  options = Options();
  options.uuid = "GPU-of-another-host";
  EXPECT_EQ(CudaDevice::Open(options).error().code, ErrorCode::kNotFound);
  fake_.shares_memory = false;
  EXPECT_EQ(CudaDevice::Open(Options()).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CudaDeviceTest, HealthNamesWhatSlowsIt) {
  auto device = Open();
  fake_.throttle = 0x1 | 0x4 | 0x40;  // idle, which slows nothing; power; heat
  fake_.process_count = 2;
  fake_.processes[0] = 41;
  fake_.processes[1] = 42;
  const DeviceHealth health = device->Health().value();
  EXPECT_THAT(health.slowed_by, ElementsAre("power cap", "heat (hardware)"));
  EXPECT_THAT(health.processes, ElementsAre(41, 42));
  EXPECT_EQ(health.core_mhz, 1980u);
  EXPECT_EQ(health.celsius, 41u);
  EXPECT_EQ(health.uncorrected_errors, 0u);
}

TEST_F(CudaDeviceTest, WithoutNvmlNothingIsKnownAndItWorks) {
  CudaDeviceOptions options = Options();
  options.nvml_library = "libnvidia-ml-that-is-not-there.so.1";
  options.answer_limit = std::chrono::seconds(60);
  auto device = CudaDevice::Open(options).value();
  EXPECT_FALSE(device->facts().persistence);
  EXPECT_FALSE(device->Health().value().core_mhz);
  EXPECT_TRUE(device->CheckAnswers());
}

TEST_F(CudaDeviceTest, SomebodyElsesWorkIsNotLearntAsItsOwn) {
  CudaDeviceOptions options = Options();
  options.answer_limit = std::chrono::seconds(60);
  options.late_by = std::chrono::milliseconds(50);  // this device's work is the host's, which is busy
  const auto device = CudaDevice::Open(options).value();
  ASSERT_TRUE(device->LearnQuiet());
  EXPECT_TRUE(device->IsQuiet().value());
  const std::atomic<uint32_t> others{1};
  fake_.others = &others;
  EXPECT_TRUE(device->FlushCaches().value()) << "late";
  EXPECT_FALSE(device->IsQuiet().value());
  const Status busy = device->LearnQuiet();
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, ErrorCode::kIo);
  EXPECT_THAT(busy.error().context, HasSubstr(std::string("somebody else works on device ") + kUuid));
}

TEST_F(CudaDeviceTest, CachesAreFlushedByMoreThanTwiceTheirSize) {
  auto device = Open();
  const unsigned long long before = fake_.set_bytes;
  const unsigned resets = fake_.resets;
  ASSERT_TRUE(device->FlushCaches());
  EXPECT_GT(fake_.set_bytes - before, 2u << 20);
  EXPECT_EQ(fake_.resets - resets, 1u) << "lines that were to stay give way too";
  fake_.failing_call = "cuCtxResetPersistingL2Cache";
  fake_.failing_code = cuda::kNotSupported;
  fake_.failing_after = 0;
  EXPECT_TRUE(device->FlushCaches()) << "a device without such lines";
  fake_.failing_call = "";
}

TEST_F(CudaDeviceTest, TwoEvaluatorsHoldItInTurn) {
  auto ours = Open(), theirs = Open(), another_users = Open("theirs");
  {
    auto hold = ours->Lease(AtOnce(), {});
    ASSERT_TRUE(hold);
    EXPECT_EQ(theirs->Lease(AtOnce(), {}).error().code, ErrorCode::kDeadlineExceeded);
    EXPECT_THAT(theirs->Lease(AtOnce(), {}).error().context, HasSubstr(kUuid));
    EXPECT_FALSE(another_users->Lease(AtOnce(), {}));
    EXPECT_EQ(theirs->Lease(Deadline::Never(), [] { return true; }).error().code, ErrorCode::kCancelled);
  }
  EXPECT_TRUE(theirs->Lease(AtOnce(), {}));
  EXPECT_TRUE(another_users->Lease(AtOnce(), {}));
}

TEST_F(CudaDeviceTest, DeviceThatHangsIsQuarantinedForEverybody) {
  auto ours = CudaDevice::Open(Options());
  for (int i = 0; !ours && i < 50; ++i) ours = CudaDevice::Open(Options());  // its limit is short and the machine may be busy
  ASSERT_TRUE(ours) << ours.error().context;
  auto theirs = Open();
  fake_.hangs = true;
  const Error hung = ours.value()->CheckAnswers().error();
  EXPECT_EQ(hung.code, ErrorCode::kUnavailable);
  EXPECT_THAT(hung.context, HasSubstr(std::string("device ") + kUuid + " is quarantined since"));
  auto refused = theirs->Lease(AtOnce(), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().context, HasSubstr("nvidia-smi"));
  // It was seen to be well again.
  fake_.hangs = false;
  const std::filesystem::path file = folder_ / "ours" / (std::string(kUuid) + ".quarantined");
  EXPECT_THAT(refused.error().context, HasSubstr(file.string()));
  EXPECT_TRUE(std::filesystem::remove(file));
  EXPECT_TRUE(theirs->Lease(AtOnce(), {}));
  EXPECT_TRUE(theirs->CheckAnswers());
}

TEST_F(CudaDeviceTest, FaultIsQuarantinedByItsName) {
  auto device = Open();
  fake_.failing_code = cuda::kEccUncorrectable;
  fake_.failing_after = 0;
  fake_.failing_call = "cuStreamQuery";
  EXPECT_THAT(device->CheckAnswers().error().context, HasSubstr("CUDA_ERROR_ECC_UNCORRECTABLE"));
}

TEST_F(CudaDeviceTest, KernelThatDoesNotWorkIsNoAnswer) {
  auto device = Open();
  fake_.add_kernel("passnet_health", "84", [](void**) {});
  const auto checked = device->CheckAnswers();
  fake_.add_kernel("passnet_health", "84", [](void** parameters) {
    *reinterpret_cast<uint32_t*>(*static_cast<uint64_t*>(parameters[0])) = *static_cast<uint32_t*>(parameters[1]);
  });
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(checked.error().context, HasSubstr("wrote another one"));
}

TEST_F(CudaDeviceTest, NothingIsLeftOfIt) {
  const long before = fake_.live;
  { auto device = Open(); }
  EXPECT_EQ(fake_.live, before);
}

TEST(CpuDeviceTest, NeedsNeitherLeaseNorFlush) {
  CpuDevice device;
  EXPECT_EQ(device.facts().kind, "cpu");
  EXPECT_TRUE(device.FlushCaches());
  EXPECT_TRUE(device.CheckAnswers());
  EXPECT_TRUE(device.Lease(Deadline::Never(), {}));
  EXPECT_THAT(device.Health().value().slowed_by, IsEmpty());
  EXPECT_FALSE(device.Seats().Take({64, 64}).value()->CopiesOutputs());
}

}  // namespace
}  // namespace passnet::evaluator
