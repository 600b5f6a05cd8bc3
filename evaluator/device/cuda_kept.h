// Which ranges of a worker's memory were copied, and the copies of one run for as long as they are looked at.
// Threads: thread-compatible; Compare may run beside others'. Owns: a run its memory. Errors: those of device.h, CudaDriver.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "evaluator/device/cuda_kernels.h"
#include "evaluator/device/cuda_memory.h"
#include "evaluator/device/device.h"

namespace passnet::evaluator {

struct KeptPlaces {
  struct Place {
    MemoryRange range;
    size_t offset = 0;  // of its copy
  };
  std::vector<Place> places;  // by range
  size_t bytes = 0;           // of all copies, with the gaps between them

  // Where the copy of these bytes lies; nothing where no copy has them whole.
  std::optional<size_t> Find(uint64_t begin, size_t size) const;
};

class CudaKeptRun : public KeptRun {
 public:
  // A copy of `from`, which has `places`; in the memory of `used` where that is large enough.
  static Result<std::shared_ptr<KeptRun>> Copy(std::shared_ptr<CudaKernels> kernels,
                                               std::shared_ptr<const CudaContext> context, CudaStream& stream,
                                               const CudaMemory& from, const KeptPlaces& places,
                                               std::shared_ptr<KeptRun> used);

  bool Has(uint64_t address, size_t bytes) const override { return places_.Find(address, bytes).has_value(); }
  uint64_t InputAddress(size_t offset) const override;
  Status Read(uint64_t address, std::span<std::byte> to) const override;
  Result<std::vector<kernels::CompareResult>> Compare(const KeptRun& actual,
                                                      std::vector<kernels::CompareStep> steps) const override;

 private:
  Result<cuda::Pointer> Resolve(uint64_t address) const;

  std::shared_ptr<CudaKernels> kernels_;
  std::shared_ptr<const CudaContext> context_;
  CudaMemory memory_;
  KeptPlaces places_;
};

}  // namespace passnet::evaluator
