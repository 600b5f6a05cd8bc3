#include "evaluator/gpu_probe/driver.h"

#include <dlfcn.h>
#include <link.h>

namespace passnet::gpu_probe {
namespace {

class Library {
 public:
  explicit Library(const std::string& name) : name_(name), handle_(::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) Note(::dlerror());
  }

  template <typename Function>
  void Take(const char* symbol, Function* function) {
    if (handle_ == nullptr) return;
    *function = reinterpret_cast<Function>(::dlsym(handle_, symbol));
    if (*function == nullptr) Note((name_ + " has no " + symbol).c_str());
  }

  // Where the loader found it; the name where it does not say.
  std::string Path() const {
    link_map* map = nullptr;
    const bool known = handle_ != nullptr && ::dlinfo(handle_, RTLD_DI_LINKMAP, &map) == 0;
    return known && map->l_name != nullptr && *map->l_name != '\0' ? map->l_name : name_;
  }

  Status Complete() const { return problem_.empty() ? OkStatus() : Status(NotFound(problem_)); }

 private:
  void Note(const char* problem) {
    if (problem_.empty() && problem != nullptr) problem_ = problem;
  }

  std::string name_;
  void* handle_;
  std::string problem_;
};

}  // namespace

std::string Driver::Told(const char* call, CudaResult result) const {
  const char* name = nullptr;
  if (error_name(result, &name) != 0 || name == nullptr) name = "unknown error";
  return std::string(call) + ": " + name + " (" + std::to_string(result) + ")";
}

Result<Driver> LoadDriver(const std::string& name) {
  Library library(name);
  Driver driver;
  driver.path = library.Path();
  library.Take("cuGetErrorName", &driver.error_name);
  library.Take("cuInit", &driver.init);
  library.Take("cuDriverGetVersion", &driver.driver_version);
  library.Take("cuDeviceGetCount", &driver.device_count);
  library.Take("cuDeviceGet", &driver.device_get);
  library.Take("cuDeviceGetName", &driver.device_name);
  library.Take("cuDeviceGetUuid_v2", &driver.device_uuid);
  library.Take("cuDeviceGetAttribute", &driver.device_attribute);
  library.Take("cuDeviceTotalMem_v2", &driver.device_memory);
  library.Take("cuDevicePrimaryCtxRetain", &driver.context_retain);
  library.Take("cuCtxSetCurrent", &driver.context_set);
  library.Take("cuCtxSynchronize", &driver.context_synchronize);
  library.Take("cuModuleLoadData", &driver.module_load);
  library.Take("cuModuleGetFunction", &driver.module_function);
  library.Take("cuLaunchKernel", &driver.launch);
  library.Take("cuMemcpyHtoD_v2", &driver.to_device);
  library.Take("cuMemcpyDtoH_v2", &driver.to_host);
  library.Take("cuMemGetAllocationGranularity", &driver.granularity);
  library.Take("cuMemCreate", &driver.create);
  library.Take("cuMemRelease", &driver.release);
  library.Take("cuMemExportToShareableHandle", &driver.export_handle);
  library.Take("cuMemImportFromShareableHandle", &driver.import_handle);
  library.Take("cuMemAddressReserve", &driver.reserve);
  library.Take("cuMemMap", &driver.map);
  library.Take("cuMemSetAccess", &driver.set_access);
  RETURN_IF_ERROR(library.Complete());
  return driver;
}

Result<Management> LoadManagement(const std::string& name) {
  Library library(name);
  Management management;
  library.Take("nvmlInit_v2", &management.init);
  library.Take("nvmlSystemGetDriverVersion", &management.driver_version);
  library.Take("nvmlDeviceGetHandleByUUID", &management.device_by_uuid);
  library.Take("nvmlDeviceGetMigMode", &management.mig_mode);
  library.Take("nvmlDeviceGetPersistenceMode", &management.persistence);
  library.Take("nvmlDeviceGetComputeRunningProcesses_v3", &management.processes);
  library.Take("nvmlErrorString", &management.error);
  RETURN_IF_ERROR(library.Complete());
  return management;
}

}  // namespace passnet::gpu_probe
