#include "evaluator/gpu_probe/trials.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include "base/json.h"
#include "base/unique_fd.h"
#include "evaluator/gpu_probe/driver.h"

namespace passnet::gpu_probe {
namespace {

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

std::string UuidText(const std::array<unsigned char, 16>& bytes) {
  std::string text = "GPU-";
  for (size_t i = 0; i < bytes.size(); ++i) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02x", bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += hex;
  }
  return text;
}

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
  bool Failed(const char* trial, const char* call, CudaResult result) {
    if (result != 0) Say(trial, false, driver_.Told(call, result));
    return result != 0;
  }

  bool LoadsAndStarts() {
    Result<Driver> loaded = LoadDriver(options_.libcuda);
    if (loaded.has_error()) return Say("driver", false, loaded.error().context);
    driver_ = std::move(*loaded);
    if (Failed("driver", "cuInit", driver_.init(0))) return false;
    int version = 0;
    if (Failed("driver", "cuDriverGetVersion", driver_.driver_version(&version))) return false;
    return Say("driver", true, driver_.path + ", CUDA " + std::to_string(version / 1000) + "." +
                                   std::to_string(version % 1000 / 10));
  }

  bool FindsTheDevice() {
    int count = 0;
    if (Failed("device", "cuDeviceGetCount", driver_.device_count(&count))) return false;
    if (count == 0) return Say("device", false, "the driver sees no device");
    if (Failed("device", "cuDeviceGet", driver_.device_get(&device_, 0))) return false;
    char name[256] = "";
    std::array<unsigned char, 16> uuid{};
    size_t bytes = 0;
    if (Failed("device", "cuDeviceGetName", driver_.device_name(name, sizeof name, device_)) ||
        Failed("device", "cuDeviceGetUuid", driver_.device_uuid(&uuid, device_)) ||
        Failed("device", "cuDeviceTotalMem", driver_.device_memory(&bytes, device_))) {
      return false;
    }
    uuid_ = UuidText(uuid);
    const std::string capability =
        std::to_string(Attribute(kCapabilityMajor)) + "." + std::to_string(Attribute(kCapabilityMinor));
    return Say("device", true, std::string(name) + ", compute capability " + capability + ", " +
                                   std::to_string(Attribute(kMultiprocessors)) + " multiprocessors, " +
                                   std::to_string(bytes >> 20) + " MiB, L2 " +
                                   std::to_string(Attribute(kL2CacheBytes) >> 10) + " KiB, " + uuid_);
  }

  // 0 where the driver does not say.
  int Attribute(int which) const {
    int value = 0;
    return driver_.device_attribute(&value, which, device_) == 0 ? value : 0;
  }

  // Memory that two processes map is memory with a descriptor: made, exported, imported and mapped, then used below.
  bool ExportsMemory() {
    void* context = nullptr;
    if (Failed("memory export", "cuDevicePrimaryCtxRetain", driver_.context_retain(&context, device_)) ||
        Failed("memory export", "cuCtxSetCurrent", driver_.context_set(context))) {
      return false;
    }
    if (Attribute(kMemoryManagement) == 0 || Attribute(kDescriptorExport) == 0) {
      return Say("memory export", false, "the device has no virtual memory management with exported descriptors");
    }
    CudaAllocation wanted;
    wanted.location.id = device_;
    CudaAccess access;
    access.location.id = device_;
    size_t grain = 0;
    CudaHandle made = 0, imported = 0;
    int descriptor = -1;
    if (Failed("memory export", "cuMemGetAllocationGranularity", driver_.granularity(&grain, &wanted, 0))) return false;
    const size_t bytes = (kElements * sizeof(uint32_t) + grain - 1) / grain * grain;
    if (Failed("memory export", "cuMemCreate", driver_.create(&made, bytes, &wanted, 0)) ||
        Failed("memory export", "cuMemExportToShareableHandle", driver_.export_handle(&descriptor, made, 1, 0))) {
      return false;
    }
    const UniqueFd exported(descriptor);
    void* as_pointer = reinterpret_cast<void*>(static_cast<intptr_t>(descriptor));
    if (Failed("memory export", "cuMemImportFromShareableHandle", driver_.import_handle(&imported, as_pointer, 1)) ||
        Failed("memory export", "cuMemAddressReserve", driver_.reserve(&memory_, bytes, 0, 0, 0)) ||
        Failed("memory export", "cuMemMap", driver_.map(memory_, bytes, 0, imported, 0)) ||
        Failed("memory export", "cuMemSetAccess", driver_.set_access(memory_, bytes, &access, 1)) ||
        Failed("memory export", "cuMemRelease", driver_.release(made))) {
      return false;
    }
    return Say("memory export", true, std::to_string(bytes) + " bytes exported, imported and mapped");
  }

  bool RunsAKernel() {
    void* module = nullptr;
    std::vector<uint32_t> values(kElements);
    for (uint32_t i = 0; i < kElements; ++i) values[i] = i;
    if (Failed("kernel", "cuModuleLoadData", driver_.module_load(&module, kProgram)) ||
        Failed("kernel", "cuModuleGetFunction", driver_.module_function(&function_, module, "steps")) ||
        Failed("kernel", "cuMemcpyHtoD", driver_.to_device(memory_, values.data(), values.size() * sizeof(uint32_t))) ||
        Failed("kernel", "cuLaunchKernel", Launch()) ||
        Failed("kernel", "cuCtxSynchronize", driver_.context_synchronize()) ||
        Failed("kernel", "cuMemcpyDtoH", driver_.to_host(values.data(), memory_, values.size() * sizeof(uint32_t)))) {
      return false;
    }
    for (const uint32_t i : {0u, 1u, 255u, 256u, kElements - 1}) {
      if (values[i] != Stepped(i)) return Say("kernel", false, "element " + std::to_string(i) + " is wrong");
    }
    return Say("kernel", true, "compiled by the driver, launched, and its result is right");
  }

  CudaResult Launch() {
    CudaAddress memory = memory_;
    uint32_t count = kElements, rounds = kRounds;
    void* parameters[] = {&memory, &count, &rounds};
    return driver_.launch(function_, kElements / kBlock, 1, 1, kBlock, 1, 1, 0, nullptr, parameters, nullptr);
  }

  bool TimesTheKernel() {
    using Clock = std::chrono::steady_clock;
    std::vector<double> micros;
    for (const Clock::time_point begun = Clock::now(); micros.size() < kTimed;) {
      const Clock::time_point from = Clock::now();
      if (Failed("clock noise", "cuLaunchKernel", Launch()) ||
          Failed("clock noise", "cuCtxSynchronize", driver_.context_synchronize())) {
        return false;
      }
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
    const Result<Management> loaded = LoadManagement(options_.libnvidia_ml);
    if (loaded.has_error()) return Say("management", false, loaded.error().context);
    const Management& nvml = *loaded;
    char version[96] = "";
    void* device = nullptr;
    for (const int result : {nvml.init(), nvml.driver_version(version, sizeof version),
                             nvml.device_by_uuid(uuid_.c_str(), &device)}) {
      if (result != 0) return Say("management", false, nvml.error(result));
    }
    Say("management", true, std::string("driver ") + version);
    unsigned mig = 0, pending = 0;
    const int mig_result = nvml.mig_mode(device, &mig, &pending);
    // Devices without MIG answer that they do not support it.
    const bool no_mig = mig_result == kManagementNotSupported || (mig_result == 0 && mig == 0);
    const bool mig_ok = Say("MIG", no_mig, no_mig ? "off" : mig_result == 0 ? "on" : nvml.error(mig_result));
    int persistent = 0;
    const int persistence = nvml.persistence(device, &persistent);
    const bool keeps = Say("persistence", persistence == 0 && persistent == 1,
                           persistence != 0 ? nvml.error(persistence) : persistent == 1 ? "on" : "off");
    return OthersAreAway(nvml, device) && mig_ok && keeps;
  }

  // This process is one of those that have a context.
  bool OthersAreAway(const Management& nvml, void* device) {
    struct Process {  // nvmlProcessInfo_t
      unsigned pid;
      unsigned long long memory;
      unsigned gpu_instance, compute_instance;
    };
    std::vector<Process> found(256);
    unsigned count = static_cast<unsigned>(found.size());
    const int result = nvml.processes(device, &count, found.data());
    if (result != 0 && result != kManagementTooSmall) return Say("other users", false, nvml.error(result));
    const bool own_counted = std::any_of(found.begin(), found.begin() + std::min<size_t>(count, found.size()),
                                         [](const Process& each) { return each.pid == static_cast<unsigned>(getpid()); });
    const unsigned others = count - (own_counted ? 1 : 0);
    return Say("other users", others == 0, others == 0 ? "none" : std::to_string(others) + " other processes compute on it");
  }

  const TrialOptions& options_;
  Driver driver_;
  CudaDevice device_ = 0;
  std::string uuid_;
  CudaAddress memory_ = 0;
  void* function_ = nullptr;
};

}  // namespace

int RunTrials(const TrialOptions& options) { return Trials(options).Run() ? 0 : 1; }

}  // namespace passnet::gpu_probe
