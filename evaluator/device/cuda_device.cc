#include "evaluator/device/cuda_device.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/ids.h"
#include "evaluator/device/cuda_seat.h"

namespace passnet::evaluator {
namespace {

// Writes a word. As PTX, which every driver translates for its device by itself.
constexpr char kHealthKernel[] = R"(.version 6.3
.target sm_70
.address_size 64
.visible .entry passnet_health(.param .u64 to, .param .u32 word)
{
  .reg .u64 %a<3>;
  .reg .u32 %w<2>;
  ld.param.u64 %a1, [to];
  ld.param.u32 %w1, [word];
  cvta.to.global.u64 %a2, %a1;
  st.global.u32 [%a2], %w1;
  ret;
}
)";

// What cuBLAS, cuBLASLt and cuDNN ask of torch's allocator: 32 MiB a handle and stream on Hopper (cuBLAS's manual,
// "cublasSetWorkspace"), the rest is room.
constexpr size_t kLibrariesBytes = size_t{256} << 20;
constexpr size_t kLeastRing = size_t{8} << 20;
constexpr int kCopies = 8;
constexpr int kLaunches = 32;
constexpr int kQuietFlushes = 10;
constexpr std::chrono::milliseconds kQuietPause{50}, kQuietLimit{1'000};

struct Slowing {
  unsigned long long reason;
  const char* name;
};
constexpr Slowing kSlowing[] = {{cuda::kPowerCap, "power cap"},
                                {cuda::kHardwareSlowdown, "hardware slowdown"},
                                {cuda::kSoftwareThermal, "heat (driver)"},
                                {cuda::kHardwareThermal, "heat (hardware)"},
                                {cuda::kPowerBrake, "power brake"}};

Result<cuda::DeviceNumber> FindDevice(const CudaDriver& driver, const std::string& uuid) {
  int count = 0;
  RETURN_IF_ERROR(driver.Check(driver.api().cuDeviceGetCount(&count), "cuDeviceGetCount"));
  for (int ordinal = 0; ordinal < count; ++ordinal) {
    cuda::DeviceNumber device = 0;
    cuda::Uuid found{};
    RETURN_IF_ERROR(driver.Check(driver.api().cuDeviceGet(&device, ordinal), "cuDeviceGet"));
    RETURN_IF_ERROR(driver.Check(driver.api().cuDeviceGetUuid_v2(&found, device), "cuDeviceGetUuid"));
    if (uuid.empty() || UuidText(found) == uuid) return device;
  }
  return NotFound(uuid.empty() ? "no GPU: the driver has no device"
                               : "no GPU " + uuid + " is among the driver's " + std::to_string(count));
}

}  // namespace

Result<std::unique_ptr<CudaDevice>> CudaDevice::Open(const CudaDeviceOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<const CudaDriver> driver, CudaDriver::Load(options.driver_library));
  ASSIGN_OR_RETURN(const cuda::DeviceNumber number, FindDevice(*driver, options.uuid));
  std::unique_ptr<CudaDevice> made(new CudaDevice(options));
  RETURN_IF_ERROR(made->ReadFacts(*driver, number));
  const std::string uuid = made->facts_.uuid;
  ASSIGN_OR_RETURN(HostLock lock, HostLock::Open({options.lock_folder, uuid + ".lock", options.pci_folder / made->facts_.pci,
                                                  "device " + uuid}));
  made->lock_ = std::make_unique<HostLock>(std::move(lock));
  ASSIGN_OR_RETURN(const HostLock::Hold lease, made->Lease(Deadline::After(options.open_limit), {}));
  if (auto nvml = NvmlLibrary::Load(options.nvml_library)) {
    made->nvml_ = std::move(nvml).value();
    made->AskNvml();
  }
  ASSIGN_OR_RETURN(made->context_, CudaContext::Of(std::move(driver), number, options.answer_limit));
  RETURN_IF_ERROR(made->MakeMemory());
  RETURN_IF_ERROR(made->LoadKernel());
  RETURN_IF_ERROR(made->MeasureCopies());
  RETURN_IF_ERROR(made->MeasureLaunches());
  made->LoadKernels();
  return made;
}

CudaDevice::~CudaDevice() {
  if (module_ != nullptr && context_->Enter()) (void)context_->api().cuModuleUnload(module_);
}

Status CudaDevice::ReadFacts(const CudaDriver& driver, cuda::DeviceNumber device) {
  const cuda::Api& api = driver.api();
  char name[256] = {}, pci[32] = {};
  cuda::Uuid uuid{};
  size_t memory = 0;
  RETURN_IF_ERROR(driver.Check(api.cuDeviceGetName(name, sizeof name - 1, device), "cuDeviceGetName"));
  RETURN_IF_ERROR(driver.Check(api.cuDeviceGetPCIBusId(pci, sizeof pci - 1, device), "cuDeviceGetPCIBusId"));
  RETURN_IF_ERROR(driver.Check(api.cuDeviceGetUuid_v2(&uuid, device), "cuDeviceGetUuid"));
  RETURN_IF_ERROR(driver.Check(api.cuDeviceTotalMem_v2(&memory, device), "cuDeviceTotalMem"));
  const auto read = [&](cuda::Attribute attribute, int* value) {
    return driver.Check(api.cuDeviceGetAttribute(value, attribute, device),
                        "cuDeviceGetAttribute " + std::to_string(attribute));
  };
  int l2 = 0, ecc = 0, virtual_memory = 0, descriptors = 0;
  RETURN_IF_ERROR(read(cuda::kComputeMajor, &facts_.compute_major));
  RETURN_IF_ERROR(read(cuda::kComputeMinor, &facts_.compute_minor));
  RETURN_IF_ERROR(read(cuda::kMultiprocessors, &facts_.multiprocessors));
  RETURN_IF_ERROR(read(cuda::kL2Bytes, &l2));
  RETURN_IF_ERROR(read(cuda::kEccEnabled, &ecc));
  RETURN_IF_ERROR(read(cuda::kVirtualMemory, &virtual_memory));
  RETURN_IF_ERROR(read(cuda::kPosixDescriptors, &descriptors));
  facts_.kind = "cuda";
  facts_.name = name;
  facts_.pci = pci;
  // /sys writes the number in small letters.
  std::transform(facts_.pci.begin(), facts_.pci.end(), facts_.pci.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  facts_.uuid = UuidText(uuid);
  facts_.memory_bytes = memory;
  facts_.l2_bytes = static_cast<uint64_t>(std::max(l2, 0));
  facts_.ecc = ecc != 0;
  facts_.driver_version = driver.version();
  if (virtual_memory != 0 && descriptors != 0) return OkStatus();
  return InvalidArgument(facts_.uuid + " cannot share memory by descriptors (cuMemCreate), which a GPU lane rests on");
}

void CudaDevice::AskNvml() {
  const cuda::Nvml& api = nvml_->api();
  if (api.nvmlDeviceGetHandleByUUID(facts_.uuid.c_str(), &nvml_device_) != cuda::kNvmlSuccess) {
    nvml_ = nullptr;
    return;
  }
  int persistence = 0;
  unsigned mig = 0, pending = 0;
  if (api.nvmlDeviceGetPersistenceMode(nvml_device_, &persistence) == cuda::kNvmlSuccess) {
    facts_.persistence = persistence != 0;
  }
  if (api.nvmlDeviceGetMigMode(nvml_device_, &mig, &pending) == cuda::kNvmlSuccess) facts_.mig = mig != 0;
}

Status CudaDevice::MakeMemory() {
  ASSIGN_OR_RETURN(stream_, CudaStream::Create(context_));
  ASSIGN_OR_RETURN(ring_, CudaMemory::Create(context_, std::max<size_t>(2 * facts_.l2_bytes + 1, kLeastRing), false));
  ASSIGN_OR_RETURN(cell_, CudaMemory::Create(context_, sizeof(uint32_t), false));
  ASSIGN_OR_RETURN(answer_, CudaHostMemory::Create(context_, sizeof(uint32_t)));
  return OkStatus();
}

// The best of a few: whatever disturbs a copy makes it longer.
Status CudaDevice::MeasureCopies() {
  const size_t half = ring_.size() / 2;
  for (int i = 0; i < kCopies; ++i) {
    const SteadyTime started = Clock::System().Now();
    RETURN_IF_ERROR(stream_->Within(ring_.at() + half, ring_.at(), half));
    RETURN_IF_ERROR(stream_->Await(Deadline::After(options_.answer_limit)));
    const std::chrono::duration<double, std::micro> took = Clock::System().Now() - started;
    if (took.count() > 0) {
      facts_.copy_bytes_per_us = std::max(facts_.copy_bytes_per_us, 2 * static_cast<double>(half) / took.count());
    }
  }
  return OkStatus();
}

// Of a kernel that does next to nothing: from its launch until it is known to be done.
Status CudaDevice::MeasureLaunches() {
  uint32_t word = 0;
  cuda::Pointer to = cell_.at();
  void* parameters[] = {&to, &word};
  for (int i = 0; i < kLaunches; ++i) {
    const SteadyTime started = Clock::System().Now();
    RETURN_IF_ERROR(stream_->Launch(kernel_, 1, 1, parameters));
    RETURN_IF_ERROR(stream_->Await(Deadline::After(options_.answer_limit)));
    const std::chrono::duration<double, std::micro> took = Clock::System().Now() - started;
    if (facts_.launch_us == 0 || took.count() < facts_.launch_us) facts_.launch_us = took.count();
  }
  return OkStatus();
}

Status CudaDevice::LoadKernel() {
  RETURN_IF_ERROR(context_->Enter());
  const CudaDriver& driver = context_->driver();
  RETURN_IF_ERROR(driver.Check(driver.api().cuModuleLoadData(&module_, kHealthKernel), "cuModuleLoadData"));
  return driver.Check(driver.api().cuModuleGetFunction(&kernel_, module_, "passnet_health"), "cuModuleGetFunction");
}

// Without them everything works, more slowly.
void CudaDevice::LoadKernels() {
  auto loaded = CudaKernels::Load(context_, options_.nvrtc_libraries, 10 * facts_.compute_major + facts_.compute_minor);
  if (loaded) {
    kernels_ = std::move(loaded).value();
  } else {
    facts_.no_kernels = loaded.error().context;
  }
}

SeatPool CudaDevice::Seats() {
  const DeviceForWorker told{facts_.uuid, options_.driver_library, options_.torch_device,
                             options_.torch_device == "cuda" ? kLibrariesBytes : 0};
  return SeatPool([context = context_, told, kernels = kernels_](const SeatSizes& sizes) {
    return CudaSeat::Create(context, told, sizes, kernels);
  });
}

// How long it took.
Result<Nanos> CudaDevice::Flush() {
  RETURN_IF_ERROR(context_->Enter());
  const SteadyTime started = Clock::System().Now();
  // What a kernel asked to stay is the last to give way to what is written.
  const cuda::Code reset = context_->api().cuCtxResetPersistingL2Cache();
  if (reset != cuda::kNotSupported) RETURN_IF_ERROR(context_->driver().Check(reset, "cuCtxResetPersistingL2Cache"));
  RETURN_IF_ERROR(stream_->Set(ring_.at(), ++flushed_with_, ring_.size()));
  RETURN_IF_ERROR(stream_->Await(Deadline::After(options_.answer_limit)));
  return Clock::System().Now() - started;
}

Result<bool> CudaDevice::FlushCaches() {
  ASSIGN_OR_RETURN(const Nanos took, Flush());
  return quiet_.IsLate(took);
}

// A device that rested works slowly at first, and somebody else's work may be short: it is asked for a while.
Status CudaDevice::LearnQuiet() {
  const Deadline deadline = Deadline::After(kQuietLimit);
  while (true) {
    std::vector<Nanos> alone;
    for (int flush = 0; flush < kQuietFlushes; ++flush) {
      ASSIGN_OR_RETURN(const Nanos took, Flush());
      alone.push_back(took);
    }
    if (quiet_.Learn(std::move(alone))) return OkStatus();
    if (deadline.Passed()) break;
    std::this_thread::sleep_for(kQuietPause);
  }
  return OthersWork(facts_.uuid, "what it does alone takes more than twice as long as it did");
}

Result<bool> CudaDevice::IsQuiet() {
  LateCount count;
  for (int i = 0; i < kQuietFlushes; ++i) {
    if (i > 0) std::this_thread::sleep_for(kQuietPause);
    ASSIGN_OR_RETURN(const bool late, FlushCaches());
    count.Add(late);
  }
  return count.Quiet();
}

Result<DeviceHealth> CudaDevice::Health() {
  DeviceHealth health;
  if (!nvml_) return health;
  const cuda::Nvml& api = nvml_->api();
  unsigned number = 0;
  if (api.nvmlDeviceGetClockInfo(nvml_device_, cuda::kNvmlSmClock, &number) == cuda::kNvmlSuccess) health.core_mhz = number;
  if (api.nvmlDeviceGetClockInfo(nvml_device_, cuda::kNvmlMemoryClock, &number) == cuda::kNvmlSuccess) {
    health.memory_mhz = number;
  }
  if (api.nvmlDeviceGetTemperature(nvml_device_, cuda::kNvmlOfGpu, &number) == cuda::kNvmlSuccess) health.celsius = number;
  unsigned long long reasons = 0, errors = 0;
  if (api.nvmlDeviceGetCurrentClocksThrottleReasons(nvml_device_, &reasons) == cuda::kNvmlSuccess) {
    for (const Slowing& one : kSlowing) {
      if ((reasons & one.reason) != 0) health.slowed_by.push_back(one.name);
    }
  }
  if (api.nvmlDeviceGetTotalEccErrors(nvml_device_, cuda::kNvmlUncorrected, cuda::kNvmlSinceBoot, &errors) ==
      cuda::kNvmlSuccess) {
    health.uncorrected_errors = errors;
  }
  std::vector<cuda::NvmlProcess> processes(256);  // chosen: more share no device that is measured on
  auto count = static_cast<unsigned>(processes.size());
  if (api.nvmlDeviceGetComputeRunningProcesses_v3(nvml_device_, &count, processes.data()) == cuda::kNvmlSuccess) {
    processes.resize(std::min<size_t>(count, processes.size()));
    for (const cuda::NvmlProcess& one : processes) health.processes.push_back(static_cast<pid_t>(one.pid));
  }
  return health;
}

std::filesystem::path CudaDevice::QuarantineFile() const { return options_.lock_folder / (facts_.uuid + ".quarantined"); }

Result<HostLock::Hold> CudaDevice::Lease(Deadline deadline, const std::function<bool()>& cancelled) {
  ASSIGN_OR_RETURN(HostLock::Hold hold, lock_->Take(deadline, cancelled));
  // Looked at with the lease: whoever had it before may have been the one to find out.
  const std::filesystem::path file = QuarantineFile();
  std::error_code failed;
  const bool free = !std::filesystem::exists(file, failed);
  if (failed) return Error::FromErrno("stat", file.string(), failed.value());
  if (free) return hold;
  constexpr size_t kMostWords = 4096;
  auto words = ReadFile(file, kMostWords);
  return Error{ErrorCode::kUnavailable, (words ? words.value() : words.error().context) + "; once `nvidia-smi` shows it well, remove " +
                                            file.string()};
}

Status CudaDevice::RunKernel() {
  uint32_t word = 0;
  FillRandom(&word, sizeof word);
  cuda::Pointer to = cell_.at();
  void* parameters[] = {&to, &word};
  const Deadline deadline = Deadline::After(options_.answer_limit);
  RETURN_IF_ERROR(stream_->Launch(kernel_, 1, 1, parameters));
  RETURN_IF_ERROR(stream_->ToHost(answer_.data(), cell_.at(), sizeof word));
  RETURN_IF_ERROR(stream_->Await(deadline));
  uint32_t answered = 0;
  std::memcpy(&answered, answer_.data(), sizeof answered);
  return answered == word ? OkStatus() : Status(Internal("a kernel that writes one word wrote another one"));
}

Status CudaDevice::CheckAnswers() {
  auto ran = RunKernel();
  return ran ? OkStatus() : Status(Quarantine(ran.error()));
}

Error CudaDevice::Quarantine(const Error& why) {
  const std::string words = "device " + facts_.uuid + " is quarantined since " + FormatUtc(Clock::System().UtcMicros()) +
                            ": once a candidate had ended it did no work: " + why.context;
  auto written = WriteFileAtomic(QuarantineFile(), words);
  return {ErrorCode::kUnavailable, written ? words : words + "; other evaluators do not know it: " + written.error().context};
}

}  // namespace passnet::evaluator
