#include "evaluator/worker/native/driver.h"

#include <Python.h>
#include <dlfcn.h>

#include <cstddef>
#include <cstring>
#include <iterator>

namespace passnet::worker {
namespace {

// In the order of the table.
constexpr const char* kDriverSymbols[] = {"cuInit",
                                          "cuGetErrorName",
                                          "cuGetErrorString",
                                          "cuDeviceGetCount",
                                          "cuDeviceGet",
                                          "cuDeviceGetUuid_v2",
                                          "cuDeviceGetAttribute",
                                          "cuDevicePrimaryCtxRetain",
                                          "cuCtxSetCurrent",
                                          "cuCtxSynchronize",
                                          "cuMemImportFromShareableHandle",
                                          "cuMemAddressReserve",
                                          "cuMemMap",
                                          "cuMemSetAccess",
                                          "cuModuleLoadData",
                                          "cuModuleGetFunction",
                                          "cuFuncGetAttribute",
                                          "cuFuncSetAttribute",
                                          "cuFuncSetCacheConfig",
                                          "cuLaunchKernel"};
static_assert(sizeof(Driver) == sizeof kDriverSymbols);

Driver g_driver;
bool g_driver_loaded = false;

}  // namespace

const Driver* LoadDriver(const char* library) {
  if (g_driver_loaded) return &g_driver;
  void* loaded = ::dlopen(library, RTLD_NOW | RTLD_GLOBAL);
  if (loaded == nullptr) {
    PyErr_Format(PyExc_RuntimeError, "the CUDA driver cannot be loaded: %s", ::dlerror());
    return nullptr;
  }
  for (size_t i = 0; i < std::size(kDriverSymbols); ++i) {
    void* found = ::dlsym(loaded, kDriverSymbols[i]);
    if (found == nullptr) {
      PyErr_Format(PyExc_RuntimeError, "%s has no %s: update the NVIDIA driver", library, kDriverSymbols[i]);
      return nullptr;
    }
    std::memcpy(reinterpret_cast<std::byte*>(&g_driver) + i * sizeof found, &found, sizeof found);
  }
  if (!CheckCuda(g_driver.cuInit(0), "cuInit")) return nullptr;
  g_driver_loaded = true;
  return &g_driver;
}

const Driver* LoadedDriver() { return g_driver_loaded ? &g_driver : nullptr; }

std::string CudaErrorText(cuda::Code code) {
  const char* name = nullptr;
  const char* text = nullptr;
  if (g_driver.cuGetErrorName(code, &name) != cuda::kSuccess || name == nullptr) name = "an unnamed CUDA error";
  if (g_driver.cuGetErrorString(code, &text) != cuda::kSuccess || text == nullptr) text = "no text";
  return std::string(name) + " (" + text + ")";
}

bool CheckCuda(cuda::Code code, const char* call) {
  if (code == cuda::kSuccess) return true;
  PyErr_Format(PyExc_RuntimeError, "%s: %s", call, CudaErrorText(code).c_str());
  return false;
}

}  // namespace passnet::worker
