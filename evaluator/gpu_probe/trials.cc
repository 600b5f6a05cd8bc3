#include "evaluator/gpu_probe/trials.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "evaluator/device/cuda_device.h"
#include "evaluator/device/cuda_memory.h"

namespace passnet::gpu_probe {
namespace {

namespace cuda = evaluator::cuda;

// A linear congruential generator, `rounds` steps of it on each element: its result is known, and its time is the
// clock's alone. Compiled by the driver itself, for whatever device it is.
constexpr char kProgram[] = R"(
.version 7.0
.target sm_70
.address_size 64
.visible .entry steps(.param .u64 data, .param .u32 count, .param .u32 rounds)
{
  .reg .pred %p<3>;
  .reg .b32 %r<9>;
  .reg .b64 %rd<5>;
  ld.param.u64 %rd1, [data];
  ld.param.u32 %r1, [count];
  ld.param.u32 %r2, [rounds];
  mov.u32 %r3, %ctaid.x;
  mov.u32 %r4, %ntid.x;
  mov.u32 %r5, %tid.x;
  mad.lo.u32 %r6, %r3, %r4, %r5;
  setp.ge.u32 %p1, %r6, %r1;
  @%p1 bra DONE;
  cvta.to.global.u64 %rd2, %rd1;
  mul.wide.u32 %rd3, %r6, 4;
  add.s64 %rd4, %rd2, %rd3;
  ld.global.u32 %r7, [%rd4];
  mov.u32 %r8, 0;
LOOP:
  setp.ge.u32 %p2, %r8, %r2;
  @%p2 bra STORE;
  mad.lo.u32 %r7, %r7, 1664525, 1013904223;
  add.u32 %r8, %r8, 1;
  bra LOOP;
STORE:
  st.global.u32 [%rd4], %r7;
DONE:
  ret;
}
)";
constexpr uint32_t kElements = 1 << 16;
constexpr uint32_t kRounds = 20'000;  // some 0.3 ms a launch on a device of 1.5 GHz
constexpr unsigned kBlock = 256;
constexpr int kTimed = 200;
constexpr std::chrono::seconds kPatience{60};       // for one launch; whoever started this waits no longer either
constexpr std::chrono::milliseconds kWarming{500};  // clocks rise under load; chosen
constexpr double kQuietSpread = 0.05;               // chosen: beyond it a score of 1.05 is noise

uint32_t Stepped(uint32_t value) {
  for (uint32_t i = 0; i < kRounds; ++i) value = value * 1664525u + 1013904223u;
  return value;
}

bool Say(const char* trial, bool ok, const std::string& found) {
  std::printf("%s\n", Json{{"trial", trial}, {"ok", ok}, {"found", found}}.Dump().c_str());
  std::fflush(stdout);
  return ok;
}

std::string KiB(uint64_t bytes) { return std::to_string(bytes >> 10) + " KiB"; }

class Trials {
 public:
  explicit Trials(const TrialOptions& options) : options_(options) {}

  bool Run() {
    if (!LoadsAndStarts() || !FindsTheDevice() || !ExportsMemory() || !RunsAKernel()) return false;
    const bool quiet = TimesTheKernel();
    return (!options_.management || AsksTheManagement()) && quiet;
  }

 private:
  // The first call that fails says so and ends the trial.
  static bool Failed(const char* trial, const Status& status) {
    if (!status) Say(trial, false, status.error().context);
    return !status;
  }
  bool Failed(const char* trial, const char* call, cuda::Code code) const {
    return Failed(trial, driver_->Check(code, call));
  }

  bool LoadsAndStarts() {
    auto loaded = evaluator::CudaDriver::Load(options_.libcuda);
    if (!loaded) return Say("driver", false, loaded.error().context);
    driver_ = std::move(loaded).value();
    return Say("driver", true, driver_->path() + ", CUDA " + std::to_string(driver_->version() / 1000) + "." +
                                   std::to_string(driver_->version() % 1000 / 10));
  }

  bool FindsTheDevice() {
    const cuda::Api& api = driver_->api();
    int count = 0;
    if (Failed("device", "cuDeviceGetCount", api.cuDeviceGetCount(&count))) return false;
    if (count == 0) return Say("device", false, "the driver sees no device");
    if (Failed("device", "cuDeviceGet", api.cuDeviceGet(&device_, 0))) return false;
    char name[256] = "";
    cuda::Uuid uuid{};
    size_t bytes = 0;
    if (Failed("device", "cuDeviceGetName", api.cuDeviceGetName(name, sizeof name, device_)) ||
        Failed("device", "cuDeviceGetUuid", api.cuDeviceGetUuid_v2(&uuid, device_)) ||
        Failed("device", "cuDeviceTotalMem", api.cuDeviceTotalMem_v2(&bytes, device_))) {
      return false;
    }
    uuid_ = UuidText(uuid);
    const std::string capability =
        std::to_string(Attribute(cuda::kComputeMajor)) + "." + std::to_string(Attribute(cuda::kComputeMinor));
    return Say("device", true, std::string(name) + ", compute capability " + capability + ", " +
                                   std::to_string(Attribute(cuda::kMultiprocessors)) + " multiprocessors, " +
                                   std::to_string(bytes >> 20) + " MiB, L2 " +
                                   KiB(static_cast<uint64_t>(Attribute(cuda::kL2Bytes))) + ", " + uuid_);
  }

  // 0 where the driver does not say.
  int Attribute(cuda::Attribute which) const {
    int value = 0;
    return driver_->api().cuDeviceGetAttribute(&value, which, device_) == cuda::kSuccess ? value : 0;
  }

  // Memory that two processes map is memory with a descriptor: made, exported, imported and mapped, then used below.
  bool ExportsMemory() {
    constexpr const char* kTrial = "memory export";
    auto context = evaluator::CudaContext::Of(driver_, device_);
    if (!context) return Say(kTrial, false, context.error().context);
    context_ = std::move(context).value();
    if (Attribute(cuda::kVirtualMemory) == 0 || Attribute(cuda::kPosixDescriptors) == 0) {
      return Say(kTrial, false, "the device has no virtual memory management with exported descriptors");
    }
    auto made = evaluator::CudaMemory::Create(context_, kElements * sizeof(uint32_t), true);
    if (!made) return Say(kTrial, false, made.error().context);
    auto imported = evaluator::CudaMemory::Import(context_, made.value().descriptor(), made.value().size());
    if (!imported) return Say(kTrial, false, imported.error().context);
    memory_ = std::move(imported).value();
    return Say(kTrial, true, std::to_string(memory_.size()) + " bytes exported, imported and mapped");
  }

  bool RunsAKernel() {
    constexpr const char* kTrial = "kernel";
    const cuda::Api& api = driver_->api();
    auto stream = evaluator::CudaStream::Create(context_);
    if (!stream) return Say(kTrial, false, stream.error().context);
    stream_ = std::move(stream).value();
    cuda::Module module = nullptr;
    std::vector<uint32_t> values(kElements);
    for (uint32_t i = 0; i < kElements; ++i) values[i] = i;
    const size_t bytes = values.size() * sizeof(uint32_t);
    if (Failed(kTrial, "cuModuleLoadData", api.cuModuleLoadData(&module, kProgram)) ||
        Failed(kTrial, "cuModuleGetFunction", api.cuModuleGetFunction(&function_, module, "steps")) ||
        Failed(kTrial, stream_->ToDevice(memory_.at(), values.data(), bytes)) || Failed(kTrial, Launch()) ||
        Failed(kTrial, stream_->ToHost(values.data(), memory_.at(), bytes)) || Failed(kTrial, Finish())) {
      return false;
    }
    for (const uint32_t i : {0u, 1u, 255u, 256u, kElements - 1}) {
      if (values[i] != Stepped(i)) return Say(kTrial, false, "element " + std::to_string(i) + " is wrong");
    }
    return Say(kTrial, true, "compiled by the driver, launched, and its result is right");
  }

  Status Launch() {
    cuda::Pointer memory = memory_.at();
    uint32_t count = kElements, rounds = kRounds;
    void* parameters[] = {&memory, &count, &rounds};
    return stream_->Launch(function_, kElements / kBlock, kBlock, parameters);
  }
  // As a lane waits for its own work.
  Status Finish() const { return stream_->Await(Deadline::After(kPatience)); }

  bool TimesTheKernel() {
    using Clock = std::chrono::steady_clock;
    std::vector<double> micros;
    for (const Clock::time_point begun = Clock::now(); micros.size() < kTimed;) {
      const Clock::time_point from = Clock::now();
      if (Failed("clock noise", Launch()) || Failed("clock noise", Finish())) return false;
      const Clock::time_point to = Clock::now();
      if (from - begun >= kWarming) micros.push_back(std::chrono::duration<double, std::micro>(to - from).count());
    }
    std::sort(micros.begin(), micros.end());
    const double median = micros[kTimed / 2], high = micros[kTimed * 95 / 100];
    char text[128];
    std::snprintf(text, sizeof text, "one launch takes %.1f us, the 95th of 100 is %.1f %% above the median", median,
                  (high / median - 1) * 100);
    return Say("clock noise", high / median - 1 <= kQuietSpread, text);
  }

  bool AsksTheManagement() {
    const auto loaded = evaluator::NvmlLibrary::Load(options_.libnvidia_ml);
    if (!loaded) return Say("management", false, loaded.error().context);
    const cuda::Nvml& nvml = loaded.value()->api();
    char version[96] = "";
    cuda::NvmlDevice device = nullptr;
    for (const int result : {nvml.nvmlSystemGetDriverVersion(version, sizeof version),
                             nvml.nvmlDeviceGetHandleByUUID(uuid_.c_str(), &device)}) {
      if (result != cuda::kNvmlSuccess) return Say("management", false, nvml.nvmlErrorString(result));
    }
    Say("management", true, std::string("driver ") + version);
    unsigned mig = 0, pending = 0;
    const int mig_result = nvml.nvmlDeviceGetMigMode(device, &mig, &pending);
    // Devices without MIG answer that they do not support it.
    const bool no_mig = mig_result == cuda::kNvmlNotSupported || (mig_result == cuda::kNvmlSuccess && mig == 0);
    const bool mig_ok = Say("MIG", no_mig, no_mig ? "off" : mig_result == 0 ? "on" : nvml.nvmlErrorString(mig_result));
    int persistent = 0;
    const int persistence = nvml.nvmlDeviceGetPersistenceMode(device, &persistent);
    const bool keeps = Say("persistence", persistence == 0 && persistent == 1,
                           persistence != 0 ? nvml.nvmlErrorString(persistence) : persistent == 1 ? "on" : "off");
    return OthersAreAway(nvml, device) && mig_ok && keeps;
  }

  // This process is one of those that have a context.
  bool OthersAreAway(const cuda::Nvml& nvml, cuda::NvmlDevice device) {
    std::vector<cuda::NvmlProcess> found(256);
    unsigned count = static_cast<unsigned>(found.size());
    const int result = nvml.nvmlDeviceGetComputeRunningProcesses_v3(device, &count, found.data());
    if (result != cuda::kNvmlSuccess && result != cuda::kNvmlTooSmall) {
      return Say("other users", false, nvml.nvmlErrorString(result));
    }
    const bool own_counted =
        std::any_of(found.begin(), found.begin() + std::min<size_t>(count, found.size()),
                    [](const cuda::NvmlProcess& each) { return each.pid == static_cast<unsigned>(::getpid()); });
    const unsigned others = count - (own_counted ? 1 : 0);
    return Say("other users", others == 0, others == 0 ? "none" : std::to_string(others) + " other processes compute on it");
  }

  const TrialOptions& options_;
  std::shared_ptr<const evaluator::CudaDriver> driver_;
  std::shared_ptr<const evaluator::CudaContext> context_;
  cuda::DeviceNumber device_ = 0;
  std::string uuid_;
  evaluator::CudaMemory memory_;
  std::unique_ptr<evaluator::CudaStream> stream_;  // ends before what it works on
  cuda::Function function_ = nullptr;
};

}  // namespace

int RunTrials(const TrialOptions& options) { return Trials(options).Run() ? 0 : 1; }

}  // namespace passnet::gpu_probe
