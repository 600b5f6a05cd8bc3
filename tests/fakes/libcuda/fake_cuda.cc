// The calls of libcuda.so.1 and libnvidia-ml.so.1 that passnet makes, over host memory: an allocation is a memfd, a device
// address is one of this process, a kernel is a function that the test gave. It is a fake: it has no speed and no caches.
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <type_traits>

#include "evaluator/device/cuda_api.h"
#include "evaluator/device/kernels/on_host.h"
#include "tests/fakes/libcuda/control.h"
#include "tests/fakes/libcuda/fake_stream.h"

namespace passnet::fakes {
namespace {

using namespace evaluator::cuda;

constexpr size_t kGranularity = size_t{1} << 16;
constexpr Code kInvalidContext = 201;

struct Kernel {
  std::string name, sizes;
  void (*run)(void** parameters) = nullptr;
};

struct Fake {
  std::mutex mutex;
  FakeCudaControl control;
  std::map<std::string, Kernel> kernels;
  std::set<FakeStream*> streams;
};

void WriteWord(void** parameters) {
  const auto to = *static_cast<uint64_t*>(parameters[0]);
  *reinterpret_cast<uint32_t*>(to) = *static_cast<uint32_t*>(parameters[1]);
}

// One of the evaluator's own kernels, which are told where their table lies.
template <typename Table, void (*kRun)(const Table&)>
void RunWith(void** parameters) {
  kRun(*reinterpret_cast<const Table*>(*static_cast<uint64_t*>(parameters[0])));
}

void AddKernel(const char* name, const char* sizes, void (*run)(void** parameters));

std::map<std::string, Kernel> KnownKernels() {
  using namespace evaluator::kernels;
  std::map<std::string, Kernel> known;
  for (const Kernel& one : {Kernel{"passnet_health", "84", WriteWord},
                            Kernel{"passnet_draw", "8", RunWith<DrawTable, DrawOnHost>},
                            Kernel{"passnet_claim_strays", "8", RunWith<DrawTable, ClaimStraysOnHost>},
                            Kernel{"passnet_write_strays", "8", RunWith<DrawTable, WriteStraysOnHost>},
                            Kernel{"passnet_compare", "8", RunWith<CompareTable, CompareOnHost>}}) {
    known[one.name] = one;
  }
  return known;
}

Fake& State() {
  static Fake* fake = [] {
    auto* made = new Fake;
    made->control.add_kernel = AddKernel;
    made->kernels = KnownKernels();
    return made;
  }();
  return *fake;
}

void AddKernel(const char* name, const char* sizes, void (*run)(void** parameters)) {
  std::lock_guard lock(State().mutex);
  State().kernels[name] = run != nullptr ? Kernel{name, sizes, run} : KnownKernels()[name];
}

thread_local bool has_context = false;

// What every call begins with.
Code Begin(const char* call, bool needs_context = true) {
  FakeCudaControl& control = State().control;
  if (std::strcmp(control.failing_call, call) == 0 && control.failing_after.fetch_sub(1) <= 0) return control.failing_code;
  return needs_context && !has_context ? kInvalidContext : kSuccess;
}

// The stream that is always there, made when it is first used; null where there can be none.
FakeStream* LegacyStream() {
  static FakeStream* stream = [] {
    FakeStream* made = FakeStream::Create(&State().control).release();
    std::lock_guard lock(State().mutex);
    if (made != nullptr) State().streams.insert(made);
    return made;
  }();
  return stream;
}

FakeStream& Of(Stream stream) { return *(stream != nullptr ? reinterpret_cast<FakeStream*>(stream) : LegacyStream()); }
std::byte* Bytes(Pointer at) { return reinterpret_cast<std::byte*>(at); }
int FileOf(Handle handle) { return static_cast<int>(handle) - 1; }

Code Copy(const char* call, std::byte* to, const std::byte* from, size_t bytes, Stream stream) {
  if (const Code code = Begin(call); code != kSuccess) return code;
  FakeOperation operation;
  operation.to = to;
  operation.from = from;
  operation.bytes = bytes;
  ++State().control.copies;
  Of(stream).Push(operation);
  return kSuccess;
}

}  // namespace
}  // namespace passnet::fakes

#define CALL extern "C" __attribute__((visibility("default")))
#define BEGIN(...) \
  if (const Code begun = Begin(__VA_ARGS__); begun != kSuccess) return begun

using namespace passnet::fakes;
using namespace passnet::evaluator::cuda;

CALL FakeCudaControl* passnet_fake_cuda_control() { return &State().control; }
// For tests in Python.
CALL void passnet_fake_cuda_add_kernel(const char* name, const char* sizes, void (*run)(void** parameters)) {
  AddKernel(name, sizes, run);
}
CALL void passnet_fake_cuda_fail(const char* call, int code) {
  State().control.failing_code = code;
  State().control.failing_after = 0;
  State().control.failing_call = call;
}

CALL Code cuInit(unsigned) { return Begin("cuInit", false); }
CALL Code cuDriverGetVersion(int* version) {
  *version = 13000;
  return kSuccess;
}
CALL Code cuGetErrorName(Code code, const char** name) {
  static const std::map<Code, const char*> names = {
      {kInvalidValue, "CUDA_ERROR_INVALID_VALUE"}, {kOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
      {kNoDevice, "CUDA_ERROR_NO_DEVICE"}, {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT"},
      {kEccUncorrectable, "CUDA_ERROR_ECC_UNCORRECTABLE"}, {kNotFound, "CUDA_ERROR_NOT_FOUND"},
      {kOperatingSystem, "CUDA_ERROR_OPERATING_SYSTEM"},
      {kIllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"}, {kNotPermitted, "CUDA_ERROR_NOT_PERMITTED"}};
  auto found = names.find(code);
  if (found == names.end()) return kInvalidValue;
  *name = found->second;
  return kSuccess;
}
CALL Code cuGetErrorString(Code, const char** text) {
  *text = "of the stand-in driver";
  return kSuccess;
}
CALL Code cuDeviceGetCount(int* count) {
  BEGIN("cuDeviceGetCount", false);
  *count = 1;
  return kSuccess;
}
CALL Code cuDeviceGet(DeviceNumber* device, int ordinal) {
  *device = ordinal;
  return ordinal == 0 ? kSuccess : kInvalidDevice;
}
CALL Code cuDeviceGetName(char* name, int size, DeviceNumber) {
  std::snprintf(name, static_cast<size_t>(size), "stand-in");
  return kSuccess;
}
CALL Code cuDeviceGetUuid_v2(Uuid* uuid, DeviceNumber) {
  for (unsigned char i = 0; i < 16; ++i) uuid->bytes[i] = static_cast<unsigned char>(i * 0x11);
  return kSuccess;
}
CALL Code cuDeviceGetPCIBusId(char* id, int size, DeviceNumber) {
  std::snprintf(id, static_cast<size_t>(size), "0000:0A:00.0");
  return kSuccess;
}
CALL Code cuDeviceGetAttribute(int* value, Attribute attribute, DeviceNumber) {
  switch (attribute) {
    case kMultiprocessors: *value = 132; return kSuccess;
    case kEccEnabled: *value = 1; return kSuccess;
    case kL2Bytes: *value = 1 << 20; return kSuccess;
    case kComputeMajor: *value = 9; return kSuccess;
    case kComputeMinor: *value = 0; return kSuccess;
    case kVirtualMemory: *value = 1; return kSuccess;
    case kPosixDescriptors: *value = State().control.shares_memory ? 1 : 0; return kSuccess;
  }
  constexpr int kMostSharedByChoice = 97;
  *value = 232'448;
  return attribute == kMostSharedByChoice ? kSuccess : kInvalidValue;
}
CALL Code cuDeviceTotalMem_v2(size_t* bytes, DeviceNumber) {
  *bytes = size_t{8} << 30;
  return kSuccess;
}
CALL Code cuDevicePrimaryCtxRetain(Context* context, DeviceNumber) {
  BEGIN("cuDevicePrimaryCtxRetain", false);
  *context = reinterpret_cast<Context>(&State());
  ++State().control.live;
  return kSuccess;
}
CALL Code cuDevicePrimaryCtxRelease_v2(DeviceNumber) {
  --State().control.live;
  return kSuccess;
}
CALL Code cuCtxSetCurrent(Context context) {
  has_context = context != nullptr;
  return kSuccess;
}
CALL Code cuCtxSynchronize() {
  BEGIN("cuCtxSynchronize");
  std::unique_lock lock(State().mutex);
  const std::set<FakeStream*> streams = State().streams;
  lock.unlock();
  for (FakeStream* stream : streams) {
    while (!stream->Idle()) ::sched_yield();
  }
  return kSuccess;
}
CALL Code cuMemGetAllocationGranularity(size_t* bytes, const AllocationProperties* properties, int) {
  BEGIN("cuMemGetAllocationGranularity");
  *bytes = kGranularity;
  return properties->type == kPinned ? kSuccess : kInvalidValue;
}
CALL Code cuMemCreate(Handle* handle, size_t bytes, const AllocationProperties* properties, unsigned long long) {
  BEGIN("cuMemCreate");
  if (bytes == 0 || bytes % kGranularity != 0 || properties->location.type != kOnDevice) return kInvalidValue;
  const int file = ::memfd_create(properties->handle_types == kPosixDescriptor ? "shared" : "private", MFD_CLOEXEC);
  if (file < 0 || ::ftruncate(file, static_cast<off_t>(bytes)) != 0) return kOutOfMemory;
  *handle = static_cast<Handle>(file) + 1;
  ++State().control.live;
  return kSuccess;
}
CALL Code cuMemRelease(Handle handle) {
  BEGIN("cuMemRelease");
  --State().control.live;
  return ::close(FileOf(handle)) == 0 ? kSuccess : kInvalidValue;
}
CALL Code cuMemExportToShareableHandle(void* out, Handle handle, int type, unsigned long long) {
  BEGIN("cuMemExportToShareableHandle");
  char name[64] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(FileOf(handle));
  if (type != kPosixDescriptor || ::readlink(link.c_str(), name, sizeof name - 1) < 0) return kInvalidValue;
  if (std::strstr(name, "shared") == nullptr) return kInvalidValue;
  const int file = ::fcntl(FileOf(handle), F_DUPFD, 0);  // not close-on-exec: nobody promises that
  std::memcpy(out, &file, sizeof file);
  return file >= 0 ? kSuccess : kInvalidValue;
}
CALL Code cuMemImportFromShareableHandle(Handle* handle, void* descriptor, int type) {
  BEGIN("cuMemImportFromShareableHandle");
  const int file = ::fcntl(static_cast<int>(reinterpret_cast<intptr_t>(descriptor)), F_DUPFD_CLOEXEC, 0);
  if (type != kPosixDescriptor || file < 0) return kInvalidValue;
  *handle = static_cast<Handle>(file) + 1;
  ++State().control.live;
  return kSuccess;
}
CALL Code cuMemAddressReserve(Pointer* at, size_t bytes, size_t, Pointer, unsigned long long) {
  BEGIN("cuMemAddressReserve");
  void* got = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got == MAP_FAILED) return kOutOfMemory;
  *at = reinterpret_cast<Pointer>(got);
  ++State().control.live;
  return kSuccess;
}
CALL Code cuMemAddressFree(Pointer at, size_t bytes) {
  BEGIN("cuMemAddressFree");
  --State().control.live;
  return ::munmap(Bytes(at), bytes) == 0 ? kSuccess : kInvalidValue;
}
CALL Code cuMemMap(Pointer at, size_t bytes, size_t offset, Handle handle, unsigned long long) {
  BEGIN("cuMemMap");
  // No access before cuMemSetAccess, as on a device.
  void* got = ::mmap(Bytes(at), bytes, PROT_NONE, MAP_SHARED | MAP_FIXED, FileOf(handle), static_cast<off_t>(offset));
  if (got == MAP_FAILED) return kInvalidValue;
  ++State().control.live;
  return kSuccess;
}
CALL Code cuMemUnmap(Pointer at, size_t bytes) {
  BEGIN("cuMemUnmap");
  --State().control.live;
  void* got = ::mmap(Bytes(at), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
  return got != MAP_FAILED ? kSuccess : kInvalidValue;
}
CALL Code cuMemSetAccess(Pointer at, size_t bytes, const AccessDescription* access, size_t) {
  BEGIN("cuMemSetAccess");
  if (access->flags != kReadWrite) return kInvalidValue;
  return ::mprotect(Bytes(at), bytes, PROT_READ | PROT_WRITE) == 0 ? kSuccess : kInvalidValue;
}
CALL Code cuMemHostAlloc(void** at, size_t bytes, unsigned) {
  BEGIN("cuMemHostAlloc");
  *at = std::calloc(1, bytes);
  ++State().control.live;
  return *at != nullptr ? kSuccess : kOutOfMemory;
}
CALL Code cuMemFreeHost(void* at) {
  BEGIN("cuMemFreeHost");
  std::free(at);
  --State().control.live;
  return kSuccess;
}
CALL Code cuMemcpyHtoDAsync_v2(Pointer to, const void* from, size_t bytes, Stream stream) {
  State().control.host_bytes += bytes;
  return Copy("cuMemcpyHtoDAsync_v2", Bytes(to), static_cast<const std::byte*>(from), bytes, stream);
}
CALL Code cuMemcpyDtoHAsync_v2(void* to, Pointer from, size_t bytes, Stream stream) {
  State().control.host_bytes += bytes;
  return Copy("cuMemcpyDtoHAsync_v2", static_cast<std::byte*>(to), Bytes(from), bytes, stream);
}
CALL Code cuMemcpyDtoDAsync_v2(Pointer to, Pointer from, size_t bytes, Stream stream) {
  return Copy("cuMemcpyDtoDAsync_v2", Bytes(to), Bytes(from), bytes, stream);
}
CALL Code cuCtxResetPersistingL2Cache() {
  BEGIN("cuCtxResetPersistingL2Cache");
  ++State().control.resets;
  return kSuccess;
}
CALL Code cuMemsetD8Async(Pointer to, unsigned char value, size_t bytes, Stream stream) {
  BEGIN("cuMemsetD8Async");
  FakeOperation operation;
  operation.kind = FakeOperation::kSet;
  operation.to = Bytes(to);
  operation.bytes = bytes;
  operation.value = value;
  State().control.set_bytes += bytes;
  Of(stream).Push(operation);
  return kSuccess;
}
CALL Code cuStreamCreate(Stream* stream, unsigned flags) {
  BEGIN("cuStreamCreate");
  auto made = flags == kNonBlocking ? FakeStream::Create(&State().control) : nullptr;
  if (!made) return kOutOfMemory;
  std::lock_guard lock(State().mutex);
  State().streams.insert(made.get());
  *stream = reinterpret_cast<Stream>(made.release());
  ++State().control.live;
  return kSuccess;
}
CALL Code cuStreamDestroy_v2(Stream stream) {
  BEGIN("cuStreamDestroy_v2");
  {
    std::lock_guard lock(State().mutex);
    State().streams.erase(&Of(stream));
  }
  delete &Of(stream);
  --State().control.live;
  return kSuccess;
}
CALL Code cuStreamQuery(Stream stream) {
  BEGIN("cuStreamQuery");
  return Of(stream).Idle() ? kSuccess : kNotReady;
}
CALL Code cuModuleLoadData(Module* module, const void* image) {
  BEGIN("cuModuleLoadData");
  // PTX, or a compiled kernel, which stands for the host function of that name.
  const bool compiled = std::memcmp(image, "\x7f" "ELF", 4) == 0;
  if (!compiled && std::strstr(static_cast<const char*>(image), ".entry") == nullptr) return kInvalidValue;
  *module = reinterpret_cast<Module>(new std::string(static_cast<const char*>(image)));
  ++State().control.live;
  return kSuccess;
}
CALL Code cuModuleUnload(Module module) {
  delete reinterpret_cast<std::string*>(module);
  --State().control.live;
  return kSuccess;
}
CALL Code cuModuleGetFunction(Function* function, Module module, const char* name) {
  BEGIN("cuModuleGetFunction");
  const std::string& image = *reinterpret_cast<std::string*>(module);
  const bool compiled = image.rfind("\x7f" "ELF", 0) == 0;
  if (!compiled && image.find(std::string(".entry ") + name + "(") == std::string::npos) return kNotFound;
  std::lock_guard lock(State().mutex);
  auto found = State().kernels.find(name);
  if (found == State().kernels.end()) return kNotFound;
  *function = reinterpret_cast<Function>(&found->second);
  return kSuccess;
}
CALL Code cuFuncGetAttribute(int* value, int attribute, Function) {
  BEGIN("cuFuncGetAttribute");
  constexpr int kMostThreadsOfBlock = 0;
  *value = attribute == kMostThreadsOfBlock ? 1024 : 0;
  return kSuccess;
}
CALL Code cuFuncSetCacheConfig(Function, int) {
  BEGIN("cuFuncSetCacheConfig");
  return kSuccess;
}
CALL Code cuFuncSetAttribute(Function, int, int) {
  BEGIN("cuFuncSetAttribute");
  return kSuccess;
}
CALL Code cuLaunchKernel(Function function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                         Stream stream, void** parameters, void**) {
  BEGIN("cuLaunchKernel");
  if (stream == nullptr && LegacyStream() == nullptr) return kOutOfMemory;
  const Kernel& kernel = *reinterpret_cast<Kernel*>(function);
  if (State().control.on_launch != nullptr) State().control.on_launch(kernel.name.c_str());
  FakeOperation operation;
  operation.kind = FakeOperation::kLaunch;
  operation.run = kernel.run;
  for (size_t i = 0; i < kernel.sizes.size(); ++i) {
    std::memcpy(&operation.parameters[i], parameters[i], static_cast<size_t>(kernel.sizes[i] - '0'));
  }
  Of(stream).Push(operation);
  return kSuccess;
}

CALL int nvmlInit_v2() { return Begin("nvmlInit_v2", false); }
CALL int nvmlShutdown() { return kNvmlSuccess; }
CALL const char* nvmlErrorString(int) { return "of the stand-in driver"; }
CALL int nvmlDeviceGetHandleByUUID(const char* uuid, NvmlDevice* device) {
  BEGIN("nvmlDeviceGetHandleByUUID", false);
  *device = reinterpret_cast<NvmlDevice>(&State());
  return std::strcmp(uuid, "GPU-00112233-4455-6677-8899-aabbccddeeff") == 0 ? kNvmlSuccess : kInvalidValue;
}
CALL int nvmlDeviceGetClockInfo(NvmlDevice, int clock, unsigned* mhz) {
  BEGIN("nvmlDeviceGetClockInfo", false);
  *mhz = clock == kNvmlSmClock ? State().control.core_mhz : 2619;
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetTemperature(NvmlDevice, int, unsigned* celsius) {
  *celsius = State().control.celsius;
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetCurrentClocksThrottleReasons(NvmlDevice, unsigned long long* reasons) {
  *reasons = State().control.throttle;
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetTotalEccErrors(NvmlDevice, int, int, unsigned long long* count) {
  *count = State().control.ecc_errors;
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetComputeRunningProcesses_v3(NvmlDevice, unsigned* count, NvmlProcess* processes) {
  for (unsigned i = 0; i < State().control.process_count && i < *count; ++i) processes[i].pid = State().control.processes[i];
  *count = State().control.process_count;
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetPersistenceMode(NvmlDevice, int* on) {
  *on = State().control.persistence;
  return kNvmlSuccess;
}
CALL int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  std::snprintf(text, size, "580.0");
  return kNvmlSuccess;
}
CALL int nvmlDeviceGetMigMode(NvmlDevice, unsigned* current, unsigned* pending) {
  *current = *pending = State().control.mig;
  return kNvmlSuccess;
}

// The signatures of the tables.
static_assert(std::is_same_v<decltype(&cuInit), decltype(Api::cuInit)>);
static_assert(std::is_same_v<decltype(&cuDriverGetVersion), decltype(Api::cuDriverGetVersion)>);
static_assert(std::is_same_v<decltype(&cuGetErrorName), decltype(Api::cuGetErrorName)>);
static_assert(std::is_same_v<decltype(&cuGetErrorString), decltype(Api::cuGetErrorString)>);
static_assert(std::is_same_v<decltype(&cuDeviceGetCount), decltype(Api::cuDeviceGetCount)>);
static_assert(std::is_same_v<decltype(&cuDeviceGet), decltype(Api::cuDeviceGet)>);
static_assert(std::is_same_v<decltype(&cuDeviceGetName), decltype(Api::cuDeviceGetName)>);
static_assert(std::is_same_v<decltype(&cuDeviceGetUuid_v2), decltype(Api::cuDeviceGetUuid_v2)>);
static_assert(std::is_same_v<decltype(&cuDeviceGetPCIBusId), decltype(Api::cuDeviceGetPCIBusId)>);
static_assert(std::is_same_v<decltype(&cuDeviceGetAttribute), decltype(Api::cuDeviceGetAttribute)>);
static_assert(std::is_same_v<decltype(&cuDeviceTotalMem_v2), decltype(Api::cuDeviceTotalMem_v2)>);
static_assert(std::is_same_v<decltype(&cuDevicePrimaryCtxRetain), decltype(Api::cuDevicePrimaryCtxRetain)>);
static_assert(std::is_same_v<decltype(&cuDevicePrimaryCtxRelease_v2), decltype(Api::cuDevicePrimaryCtxRelease_v2)>);
static_assert(std::is_same_v<decltype(&cuCtxSetCurrent), decltype(Api::cuCtxSetCurrent)>);
static_assert(std::is_same_v<decltype(&cuMemGetAllocationGranularity), decltype(Api::cuMemGetAllocationGranularity)>);
static_assert(std::is_same_v<decltype(&cuMemCreate), decltype(Api::cuMemCreate)>);
static_assert(std::is_same_v<decltype(&cuMemRelease), decltype(Api::cuMemRelease)>);
static_assert(std::is_same_v<decltype(&cuMemExportToShareableHandle), decltype(Api::cuMemExportToShareableHandle)>);
static_assert(std::is_same_v<decltype(&cuMemImportFromShareableHandle), decltype(Api::cuMemImportFromShareableHandle)>);
static_assert(std::is_same_v<decltype(&cuMemAddressReserve), decltype(Api::cuMemAddressReserve)>);
static_assert(std::is_same_v<decltype(&cuMemAddressFree), decltype(Api::cuMemAddressFree)>);
static_assert(std::is_same_v<decltype(&cuMemMap), decltype(Api::cuMemMap)>);
static_assert(std::is_same_v<decltype(&cuMemUnmap), decltype(Api::cuMemUnmap)>);
static_assert(std::is_same_v<decltype(&cuMemSetAccess), decltype(Api::cuMemSetAccess)>);
static_assert(std::is_same_v<decltype(&cuMemHostAlloc), decltype(Api::cuMemHostAlloc)>);
static_assert(std::is_same_v<decltype(&cuMemFreeHost), decltype(Api::cuMemFreeHost)>);
static_assert(std::is_same_v<decltype(&cuMemcpyHtoDAsync_v2), decltype(Api::cuMemcpyHtoDAsync_v2)>);
static_assert(std::is_same_v<decltype(&cuMemcpyDtoHAsync_v2), decltype(Api::cuMemcpyDtoHAsync_v2)>);
static_assert(std::is_same_v<decltype(&cuMemcpyDtoDAsync_v2), decltype(Api::cuMemcpyDtoDAsync_v2)>);
static_assert(std::is_same_v<decltype(&cuMemsetD8Async), decltype(Api::cuMemsetD8Async)>);
static_assert(std::is_same_v<decltype(&cuCtxResetPersistingL2Cache), decltype(Api::cuCtxResetPersistingL2Cache)>);
static_assert(std::is_same_v<decltype(&cuStreamCreate), decltype(Api::cuStreamCreate)>);
static_assert(std::is_same_v<decltype(&cuStreamDestroy_v2), decltype(Api::cuStreamDestroy_v2)>);
static_assert(std::is_same_v<decltype(&cuStreamQuery), decltype(Api::cuStreamQuery)>);
static_assert(std::is_same_v<decltype(&cuModuleLoadData), decltype(Api::cuModuleLoadData)>);
static_assert(std::is_same_v<decltype(&cuModuleUnload), decltype(Api::cuModuleUnload)>);
static_assert(std::is_same_v<decltype(&cuModuleGetFunction), decltype(Api::cuModuleGetFunction)>);
static_assert(std::is_same_v<decltype(&cuLaunchKernel), decltype(Api::cuLaunchKernel)>);
static_assert(std::is_same_v<decltype(&nvmlInit_v2), decltype(Nvml::nvmlInit_v2)>);
static_assert(std::is_same_v<decltype(&nvmlShutdown), decltype(Nvml::nvmlShutdown)>);
static_assert(std::is_same_v<decltype(&nvmlErrorString), decltype(Nvml::nvmlErrorString)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetHandleByUUID), decltype(Nvml::nvmlDeviceGetHandleByUUID)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetClockInfo), decltype(Nvml::nvmlDeviceGetClockInfo)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetTemperature), decltype(Nvml::nvmlDeviceGetTemperature)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetCurrentClocksThrottleReasons), decltype(Nvml::nvmlDeviceGetCurrentClocksThrottleReasons)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetTotalEccErrors), decltype(Nvml::nvmlDeviceGetTotalEccErrors)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetComputeRunningProcesses_v3), decltype(Nvml::nvmlDeviceGetComputeRunningProcesses_v3)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetPersistenceMode), decltype(Nvml::nvmlDeviceGetPersistenceMode)>);
static_assert(std::is_same_v<decltype(&nvmlDeviceGetMigMode), decltype(Nvml::nvmlDeviceGetMigMode)>);
static_assert(std::is_same_v<decltype(&nvmlSystemGetDriverVersion), decltype(Nvml::nvmlSystemGetDriverVersion)>);
