// What is used of the CUDA driver API and of NVML, declared here from their documentation, so that no header of the CUDA
// Toolkit is needed to build: constants, structures and the two tables of functions that are looked up at run time.
// Threads: plain declarations; the libraries are thread-safe, a CUDA context is current to a thread. Errors: none here.
// Source: CUDA Driver API 13.0 (docs.nvidia.com/cuda/cuda-driver-api), names with the version that a symbol really has;
// NVML API reference.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace passnet::evaluator::cuda {

using Code = int;  // CUresult
inline constexpr Code kSuccess = 0, kInvalidValue = 1, kOutOfMemory = 2, kNotInitialized = 3, kNoDevice = 100,
                      kInvalidDevice = 101, kEccUncorrectable = 214, kOperatingSystem = 304, kInvalidHandle = 400,
                      kNotFound = 500, kNotReady = 600, kIllegalAddress = 700, kLaunchFailed = 719, kNotPermitted = 800,
                      kNotSupported = 801, kUnknown = 999;

using DeviceNumber = int;             // CUdevice
using Pointer = unsigned long long;   // CUdeviceptr
using Handle = unsigned long long;    // CUmemGenericAllocationHandle
using Context = struct ContextOpaque*;
using Stream = struct StreamOpaque*;
using Module = struct ModuleOpaque*;
using Function = struct FunctionOpaque*;

struct Uuid {
  unsigned char bytes[16];
};

// "GPU-00112233-4455-6677-8899-aabbccddeeff", as the driver's own tools write it.
inline std::string UuidText(const Uuid& uuid) {
  std::string text = "GPU-";
  for (size_t i = 0; i < sizeof uuid.bytes; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", uuid.bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) text += "-";
    text += digits;
  }
  return text;
}

enum Attribute : int {
  kMultiprocessors = 16,
  kEccEnabled = 32,
  kL2Bytes = 38,
  kComputeMajor = 75,
  kComputeMinor = 76,
  kVirtualMemory = 102,
  kPosixDescriptors = 103,
};

struct Location {
  int type;  // kOnDevice
  int id;
};
struct AllocationProperties {
  int type;          // kPinned
  int handle_types;  // kPosixDescriptor or 0
  Location location;
  void* win32;
  struct {
    unsigned char compression, rdma;
    unsigned short usage;
    unsigned char reserved[4];
  } flags;
};
struct AccessDescription {
  Location location;
  int flags;  // kReadWrite
};
inline constexpr int kOnDevice = 1, kPinned = 1, kPosixDescriptor = 1, kReadWrite = 3;
inline constexpr int kLeastGranularity = 0;
inline constexpr unsigned kNonBlocking = 1;

struct Api {
  Code (*cuInit)(unsigned flags);
  Code (*cuDriverGetVersion)(int* version);
  Code (*cuGetErrorName)(Code code, const char** name);
  Code (*cuGetErrorString)(Code code, const char** text);
  Code (*cuDeviceGetCount)(int* count);
  Code (*cuDeviceGet)(DeviceNumber* device, int ordinal);
  Code (*cuDeviceGetName)(char* name, int size, DeviceNumber device);
  Code (*cuDeviceGetUuid_v2)(Uuid* uuid, DeviceNumber device);
  Code (*cuDeviceGetPCIBusId)(char* id, int size, DeviceNumber device);
  Code (*cuDeviceGetAttribute)(int* value, Attribute attribute, DeviceNumber device);
  Code (*cuDeviceTotalMem_v2)(size_t* bytes, DeviceNumber device);
  Code (*cuDevicePrimaryCtxRetain)(Context* context, DeviceNumber device);
  Code (*cuDevicePrimaryCtxRelease_v2)(DeviceNumber device);
  Code (*cuCtxSetCurrent)(Context context);
  Code (*cuCtxResetPersistingL2Cache)();
  Code (*cuMemGetAllocationGranularity)(size_t* bytes, const AllocationProperties* properties, int option);
  Code (*cuMemCreate)(Handle* handle, size_t bytes, const AllocationProperties* properties, unsigned long long flags);
  Code (*cuMemRelease)(Handle handle);
  Code (*cuMemExportToShareableHandle)(void* out, Handle handle, int type, unsigned long long flags);
  Code (*cuMemImportFromShareableHandle)(Handle* handle, void* descriptor, int type);
  Code (*cuMemAddressReserve)(Pointer* at, size_t bytes, size_t alignment, Pointer hint, unsigned long long flags);
  Code (*cuMemAddressFree)(Pointer at, size_t bytes);
  Code (*cuMemMap)(Pointer at, size_t bytes, size_t offset, Handle handle, unsigned long long flags);
  Code (*cuMemUnmap)(Pointer at, size_t bytes);
  Code (*cuMemSetAccess)(Pointer at, size_t bytes, const AccessDescription* access, size_t count);
  Code (*cuMemHostAlloc)(void** at, size_t bytes, unsigned flags);
  Code (*cuMemFreeHost)(void* at);
  Code (*cuMemcpyHtoDAsync_v2)(Pointer to, const void* from, size_t bytes, Stream stream);
  Code (*cuMemcpyDtoHAsync_v2)(void* to, Pointer from, size_t bytes, Stream stream);
  Code (*cuMemcpyDtoDAsync_v2)(Pointer to, Pointer from, size_t bytes, Stream stream);
  Code (*cuMemsetD8Async)(Pointer to, unsigned char value, size_t bytes, Stream stream);
  Code (*cuStreamCreate)(Stream* stream, unsigned flags);
  Code (*cuStreamDestroy_v2)(Stream stream);
  Code (*cuStreamQuery)(Stream stream);
  Code (*cuModuleLoadData)(Module* module, const void* image);
  Code (*cuModuleUnload)(Module module);
  Code (*cuModuleGetFunction)(Function* function, Module module, const char* name);
  Code (*cuLaunchKernel)(Function function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                         unsigned block_y, unsigned block_z, unsigned shared_bytes, Stream stream, void** parameters,
                         void** extra);
};

struct NvmlProcess {
  unsigned pid;
  unsigned long long memory_bytes;
  unsigned gpu_instance, compute_instance;
};
using NvmlDevice = struct NvmlDeviceOpaque*;
inline constexpr int kNvmlSuccess = 0, kNvmlNotSupported = 3, kNvmlTooSmall = 7;
inline constexpr int kNvmlSmClock = 1, kNvmlMemoryClock = 2, kNvmlOfGpu = 0;
inline constexpr int kNvmlUncorrected = 1, kNvmlSinceBoot = 0;

// Of the reasons that NVML names for a clock below the greatest, those that slow a measurement.
enum NvmlReason : unsigned long long {
  kPowerCap = 0x4,
  kHardwareSlowdown = 0x8,
  kSoftwareThermal = 0x20,
  kHardwareThermal = 0x40,
  kPowerBrake = 0x80,
};

struct Nvml {
  int (*nvmlInit_v2)();
  int (*nvmlShutdown)();
  const char* (*nvmlErrorString)(int code);
  int (*nvmlDeviceGetHandleByUUID)(const char* uuid, NvmlDevice* device);
  int (*nvmlDeviceGetClockInfo)(NvmlDevice device, int clock, unsigned* mhz);
  int (*nvmlDeviceGetTemperature)(NvmlDevice device, int sensor, unsigned* celsius);
  // nvmlDeviceGetCurrentClocksEventReasons under the name that older drivers have too.
  int (*nvmlDeviceGetCurrentClocksThrottleReasons)(NvmlDevice device, unsigned long long* reasons);
  int (*nvmlDeviceGetTotalEccErrors)(NvmlDevice device, int type, int since, unsigned long long* count);
  int (*nvmlDeviceGetComputeRunningProcesses_v3)(NvmlDevice device, unsigned* count, NvmlProcess* processes);
  int (*nvmlDeviceGetPersistenceMode)(NvmlDevice device, int* on);
  int (*nvmlDeviceGetMigMode)(NvmlDevice device, unsigned* current, unsigned* pending);
  int (*nvmlSystemGetDriverVersion)(char* text, unsigned size);
};

// The symbols of a table, in its order.
inline constexpr const char* kApiSymbols[] = {
    "cuInit", "cuDriverGetVersion", "cuGetErrorName", "cuGetErrorString", "cuDeviceGetCount", "cuDeviceGet",
    "cuDeviceGetName", "cuDeviceGetUuid_v2", "cuDeviceGetPCIBusId", "cuDeviceGetAttribute", "cuDeviceTotalMem_v2",
    "cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2", "cuCtxSetCurrent", "cuCtxResetPersistingL2Cache", "cuMemGetAllocationGranularity",
    "cuMemCreate", "cuMemRelease", "cuMemExportToShareableHandle", "cuMemImportFromShareableHandle",
    "cuMemAddressReserve", "cuMemAddressFree", "cuMemMap", "cuMemUnmap", "cuMemSetAccess", "cuMemHostAlloc",
    "cuMemFreeHost", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2", "cuMemcpyDtoDAsync_v2", "cuMemsetD8Async", "cuStreamCreate", "cuStreamDestroy_v2",
    "cuStreamQuery", "cuModuleLoadData", "cuModuleUnload", "cuModuleGetFunction", "cuLaunchKernel"};
inline constexpr const char* kNvmlSymbols[] = {
    "nvmlInit_v2", "nvmlShutdown", "nvmlErrorString", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetClockInfo",
    "nvmlDeviceGetTemperature", "nvmlDeviceGetCurrentClocksThrottleReasons", "nvmlDeviceGetTotalEccErrors",
    "nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetPersistenceMode", "nvmlDeviceGetMigMode",
    "nvmlSystemGetDriverVersion"};
static_assert(sizeof(Api) == sizeof kApiSymbols && sizeof(Nvml) == sizeof kNvmlSymbols);

}  // namespace passnet::evaluator::cuda
