// The evaluator's own kernels on one device: inputs drawn where they are wanted, outputs compared where they lie. They are
// tried on a device before they are believed: what they answer there must be what the same source answers on the host.
// What they are told lies in device memory that no worker maps, and is cleared before Draw returns.
// Threads: thread-safe; callers take turns. Owns: the module and its memory.
// Errors: kNotFound (no NVRTC), those of NvrtcLibrary and CudaDriver, kInternal (the trial failed: what differed).
// Source: docs/measuring.md, "The window on a device".
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "evaluator/device/cuda_memory.h"
#include "evaluator/device/recipe.h"

namespace passnet::evaluator {

class CudaKernels {
 public:
  // `nvrtc`: names or paths, the first that can be loaded is used. `capability`: 90 for 9.0.
  static Result<std::shared_ptr<CudaKernels>> Load(std::shared_ptr<const CudaContext> context,
                                                   const std::vector<std::string>& nvrtc, int capability);
  ~CudaKernels();
  CudaKernels(const CudaKernels&) = delete;
  CudaKernels& operator=(const CudaKernels&) = delete;

  // Inputs at `to`, of which `bytes` may be written; done when it returns. Outside of the clock.
  Status Draw(CudaStream& stream, const InputRecipe& recipe, cuda::Pointer to, size_t bytes);
  // Of steps whose addresses are the device's, as its own context has them. Outside of the clock.
  Result<std::vector<kernels::CompareResult>> Compare(std::vector<kernels::CompareStep> steps);

 private:
  // Device memory, and as much of the host's for what goes to it and comes back.
  struct Exchange {
    CudaMemory device;
    CudaHostMemory host;
  };

  CudaKernels() = default;
  Status FindEntries(const std::string& image);
  Status AtLeast(size_t bytes, Exchange* exchange) const;
  Status Give(CudaStream& stream, const std::shared_ptr<const std::vector<std::byte>>& given);
  Status QueueDraws(CudaStream& stream, const InputRecipe& recipe, const DrawLaunches& launches, cuda::Pointer to);
  Status Launch(CudaStream& stream, cuda::Function function, kernels::u64 groups, cuda::Pointer table) const;

  std::shared_ptr<const CudaContext> context_;
  cuda::Module module_ = nullptr;
  cuda::Function draw_ = nullptr, claim_ = nullptr, write_ = nullptr, compare_ = nullptr;

  std::mutex draw_mutex_, compare_mutex_;
  Exchange plan_, given_;  // guarded by draw_mutex_
  CudaMemory claims_;      // guarded by draw_mutex_
  std::shared_ptr<const std::vector<std::byte>> given_now_;  // guarded by draw_mutex_; what given_ holds
  Exchange comparison_;                        // guarded by compare_mutex_
  std::unique_ptr<CudaStream> compare_stream_;  // guarded by compare_mutex_; ends before what it works on
};

}  // namespace passnet::evaluator
