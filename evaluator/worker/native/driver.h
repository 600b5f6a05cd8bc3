// libcuda.so.1 in a worker process of a CUDA lane: loaded by name once the process is in its jail, and never in an ancestor.
// What it is asked is declared in evaluator/device/cuda_api.h; nothing of the CUDA Toolkit is needed to build this.
// Threads: the one that attaches loads it; the functions are thread-safe. Owns: the library, which stays loaded.
// Errors: a Python RuntimeError that names the call and the CUDA error.
#pragma once

#include <string>

#include "evaluator/device/cuda_api.h"

namespace passnet::worker {

namespace cuda = evaluator::cuda;

// CUfunction_attribute, as far as it is used here.
inline constexpr int kMostThreadsOfBlock = 0, kLocalBytes = 3, kRegisters = 4, kMostDynamicShared = 8;
inline constexpr int kPreferShared = 1;  // CUfunc_cache

struct Driver {
  decltype(cuda::Api::cuInit) cuInit;
  decltype(cuda::Api::cuGetErrorName) cuGetErrorName;
  decltype(cuda::Api::cuGetErrorString) cuGetErrorString;
  decltype(cuda::Api::cuDeviceGetCount) cuDeviceGetCount;
  decltype(cuda::Api::cuDeviceGet) cuDeviceGet;
  decltype(cuda::Api::cuDeviceGetUuid_v2) cuDeviceGetUuid_v2;
  cuda::Code (*cuDeviceGetAttribute)(int* value, int attribute, cuda::DeviceNumber device);
  decltype(cuda::Api::cuDevicePrimaryCtxRetain) cuDevicePrimaryCtxRetain;
  decltype(cuda::Api::cuCtxSetCurrent) cuCtxSetCurrent;
  cuda::Code (*cuCtxSynchronize)();
  decltype(cuda::Api::cuMemImportFromShareableHandle) cuMemImportFromShareableHandle;
  decltype(cuda::Api::cuMemAddressReserve) cuMemAddressReserve;
  decltype(cuda::Api::cuMemMap) cuMemMap;
  decltype(cuda::Api::cuMemSetAccess) cuMemSetAccess;
  decltype(cuda::Api::cuModuleLoadData) cuModuleLoadData;
  decltype(cuda::Api::cuModuleGetFunction) cuModuleGetFunction;
  cuda::Code (*cuFuncGetAttribute)(int* value, int attribute, cuda::Function function);
  cuda::Code (*cuFuncSetAttribute)(cuda::Function function, int attribute, int value);
  cuda::Code (*cuFuncSetCacheConfig)(cuda::Function function, int preferred);
  decltype(cuda::Api::cuLaunchKernel) cuLaunchKernel;
};

// From `library`, initialised; null with a Python error set.
const Driver* LoadDriver(const char* library);
// Null in a process that has not attached to a device.
const Driver* LoadedDriver();

// "CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)"
std::string CudaErrorText(cuda::Code code);
// Whether the call succeeded; else a Python error is set.
bool CheckCuda(cuda::Code code, const char* call);

}  // namespace passnet::worker
