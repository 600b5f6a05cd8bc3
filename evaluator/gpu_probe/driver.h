// The few calls of NVIDIA's driver (libcuda.so.1) and of its management library (libnvidia-ml.so.1) that the probe
// makes, loaded at run time: no header and no library of the CUDA Toolkit is needed to build.
// Threads: immutable after loading. Owns: nothing; the libraries stay loaded until the process ends.
// Errors: kNotFound (no such library, or one that lacks a call; the text is dlopen's).
// Source: CUDA Driver API and NVML API reference; names with _v2 are those that cuda.h's names stand for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace passnet::gpu_probe {

using CudaResult = int;  // 0: CUDA_SUCCESS
using CudaDevice = int;
using CudaAddress = unsigned long long;
using CudaHandle = unsigned long long;  // CUmemGenericAllocationHandle

struct CudaLocation {
  int type = 1;  // CU_MEM_LOCATION_TYPE_DEVICE
  int id = 0;
};

struct CudaAllocation {  // CUmemAllocationProp
  int type = 1;                    // CU_MEM_ALLOCATION_TYPE_PINNED
  int requested_handle_types = 1;  // CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
  CudaLocation location;
  void* win32_handle_meta_data = nullptr;
  std::array<unsigned char, 8> flags{};
};

struct CudaAccess {  // CUmemAccessDesc
  CudaLocation location;
  int flags = 3;  // CU_MEM_ACCESS_FLAGS_PROT_READWRITE
};

// CUdevice_attribute
inline constexpr int kMultiprocessors = 16, kL2CacheBytes = 38, kCapabilityMajor = 75, kCapabilityMinor = 76,
                     kMemoryManagement = 102, kDescriptorExport = 103;

struct Driver {
  std::string path;  // of the library, as the loader found it
  CudaResult (*error_name)(CudaResult, const char**) = nullptr;
  CudaResult (*init)(unsigned) = nullptr;
  CudaResult (*driver_version)(int*) = nullptr;
  CudaResult (*device_count)(int*) = nullptr;
  CudaResult (*device_get)(CudaDevice*, int) = nullptr;
  CudaResult (*device_name)(char*, int, CudaDevice) = nullptr;
  CudaResult (*device_uuid)(std::array<unsigned char, 16>*, CudaDevice) = nullptr;
  CudaResult (*device_attribute)(int*, int, CudaDevice) = nullptr;
  CudaResult (*device_memory)(size_t*, CudaDevice) = nullptr;
  CudaResult (*context_retain)(void**, CudaDevice) = nullptr;
  CudaResult (*context_set)(void*) = nullptr;
  CudaResult (*context_synchronize)() = nullptr;
  CudaResult (*module_load)(void**, const void*) = nullptr;
  CudaResult (*module_function)(void**, void*, const char*) = nullptr;
  CudaResult (*launch)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
                       void**) = nullptr;
  CudaResult (*to_device)(CudaAddress, const void*, size_t) = nullptr;
  CudaResult (*to_host)(void*, CudaAddress, size_t) = nullptr;
  CudaResult (*granularity)(size_t*, const CudaAllocation*, int) = nullptr;
  CudaResult (*create)(CudaHandle*, size_t, const CudaAllocation*, unsigned long long) = nullptr;
  CudaResult (*release)(CudaHandle) = nullptr;
  CudaResult (*export_handle)(void*, CudaHandle, int, unsigned long long) = nullptr;
  CudaResult (*import_handle)(CudaHandle*, void*, int) = nullptr;
  CudaResult (*reserve)(CudaAddress*, size_t, size_t, CudaAddress, unsigned long long) = nullptr;
  CudaResult (*map)(CudaAddress, size_t, size_t, CudaHandle, unsigned long long) = nullptr;
  CudaResult (*set_access)(CudaAddress, size_t, const CudaAccess*, size_t) = nullptr;

  // "cuInit: CUDA_ERROR_OPERATING_SYSTEM (304)"
  std::string Told(const char* call, CudaResult result) const;
};

Result<Driver> LoadDriver(const std::string& library);

struct Management {
  int (*init)() = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*device_by_uuid)(const char*, void**) = nullptr;
  int (*mig_mode)(void*, unsigned*, unsigned*) = nullptr;
  int (*persistence)(void*, int*) = nullptr;
  int (*processes)(void*, unsigned*, void*) = nullptr;  // nvmlDeviceGetComputeRunningProcesses_v3
  const char* (*error)(int) = nullptr;
};

inline constexpr int kManagementNotSupported = 3, kManagementTooSmall = 7;  // NVML_ERROR_…

Result<Management> LoadManagement(const std::string& library);

}  // namespace passnet::gpu_probe
