// libcuda.so.1 (and libnvidia-ml.so.1), loaded at run time: nothing of CUDA is linked, and a machine without it has no GPU and
// nothing else. Every code other than success becomes an Error that names the call, its object and the CUDA error.
// Threads: thread-safe. Owns: the libraries, which stay loaded.
// Errors: kNotFound (no library, no device: "no GPU"), kResourceExhausted (device memory), kPermissionDenied, else kIo.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "evaluator/device/cuda_api.h"

namespace passnet::evaluator {

class CudaDriver {
 public:
  // Other paths are for tests. `library` is initialised.
  static Result<std::shared_ptr<const CudaDriver>> Load(const std::string& library = "libcuda.so.1");

  const cuda::Api& api() const { return api_; }
  int version() const { return version_; }  // 13000 for CUDA 13.0
  const std::string& path() const { return path_; }  // of the library, as the loader found it
  // "cuMemCreate of 4096 bytes: CUDA_ERROR_OUT_OF_MEMORY (2: out of memory)"
  Status Check(cuda::Code code, const std::string& call) const;

 private:
  CudaDriver() = default;
  cuda::Api api_{};
  int version_ = 0;
  std::string path_;
};

class NvmlLibrary {
 public:
  static Result<std::shared_ptr<const NvmlLibrary>> Load(const std::string& library = "libnvidia-ml.so.1");
  const cuda::Nvml& api() const { return api_; }

 private:
  NvmlLibrary() = default;
  cuda::Nvml api_{};
};

}  // namespace passnet::evaluator
