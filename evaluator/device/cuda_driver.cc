#include "evaluator/device/cuda_driver.h"

#include <dlfcn.h>
#include <link.h>

#include <cstring>
#include <iterator>

namespace passnet::evaluator {
namespace {

std::string LastLoadError() {
  const char* text = ::dlerror();
  return text == nullptr ? "unknown" : text;
}

// Where the loader found it; its name where it does not say.
std::string PathOf(void* loaded, const std::string& name) {
  link_map* map = nullptr;
  const bool known = ::dlinfo(loaded, RTLD_DI_LINKMAP, &map) == 0 && map->l_name != nullptr && *map->l_name != '\0';
  return known ? map->l_name : name;
}

// Fills a table of function pointers, which is laid out as its list of symbols is. Gives the library's path.
Result<std::string> Look(const std::string& library, const char* const* symbols, size_t count, void* table) {
  void* loaded = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) return NotFound("no GPU: " + LastLoadError());
  for (size_t i = 0; i < count; ++i) {
    void* found = ::dlsym(loaded, symbols[i]);
    if (found == nullptr) {
      return Error{ErrorCode::kNotFound, library + " has no " + symbols[i] + ": update the NVIDIA driver"};
    }
    std::memcpy(static_cast<std::byte*>(table) + i * sizeof found, &found, sizeof found);
  }
  return PathOf(loaded, library);
}

ErrorCode CodeOf(cuda::Code code) {
  switch (code) {
    case cuda::kOutOfMemory: return ErrorCode::kResourceExhausted;
    case cuda::kNoDevice: return ErrorCode::kNotFound;
    case cuda::kNotPermitted: return ErrorCode::kPermissionDenied;
    default: return ErrorCode::kIo;
  }
}

}  // namespace

Result<std::shared_ptr<const CudaDriver>> CudaDriver::Load(const std::string& library) {
  std::shared_ptr<CudaDriver> driver(new CudaDriver);
  ASSIGN_OR_RETURN(driver->path_, Look(library, cuda::kApiSymbols, std::size(cuda::kApiSymbols), &driver->api_));
  const cuda::Code started = driver->api_.cuInit(0);
  if (auto status = driver->Check(started, "cuInit"); !status) return status.error().Prefixed("no GPU");
  RETURN_IF_ERROR(driver->Check(driver->api_.cuDriverGetVersion(&driver->version_), "cuDriverGetVersion"));
  return std::shared_ptr<const CudaDriver>(std::move(driver));
}

Status CudaDriver::Check(cuda::Code code, const std::string& call) const {
  if (code == cuda::kSuccess) return OkStatus();
  const char* name = nullptr;
  const char* text = nullptr;
  if (api_.cuGetErrorName(code, &name) != cuda::kSuccess || name == nullptr) name = "an unnamed CUDA error";
  if (api_.cuGetErrorString(code, &text) != cuda::kSuccess || text == nullptr) text = "no text";
  return Error{CodeOf(code), call + ": " + name + " (" + std::to_string(code) + ": " + text + ")"};
}

Result<std::shared_ptr<const NvmlLibrary>> NvmlLibrary::Load(const std::string& library) {
  std::shared_ptr<NvmlLibrary> made(new NvmlLibrary);
  RETURN_IF_ERROR(Look(library, cuda::kNvmlSymbols, std::size(cuda::kNvmlSymbols), &made->api_));
  if (const int code = made->api_.nvmlInit_v2(); code != cuda::kNvmlSuccess) {
    return Error{ErrorCode::kIo, "nvmlInit_v2: " + std::string(made->api_.nvmlErrorString(code))};
  }
  return std::shared_ptr<const NvmlLibrary>(std::move(made));
}

}  // namespace passnet::evaluator
