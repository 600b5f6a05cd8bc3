// Seats of a CUDA lane. Of device memory that the evaluator owns and the worker maps: the visible inputs, and the arena, from
// which everything that the worker's torch allocates comes. Of memory that no worker maps: the staged inputs, and the
// evaluator's own copy of what a run left. Headers and nothing else lie in the host's memory.
// A worker writes the places of tensors into its headers as kInputsAt or kArenaAt plus the offset, whatever addresses it has
// them at: what lies in neither is not read, and nothing that it says of its own mappings is believed.
// Threads: as device.h. Owns: all of it. Errors: those of device.h and of CudaDriver.
// Source: docs/measuring.md, "The window on a device".
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "evaluator/device/cuda_kept.h"
#include "evaluator/device/cuda_kernels.h"
#include "evaluator/device/cuda_memory.h"
#include "evaluator/device/device.h"
#include "evaluator/device/shared_region.h"

namespace passnet::evaluator {

// What a worker is told of the device beside its memory.
struct DeviceForWorker {
  std::string uuid;
  std::string driver = "libcuda.so.1";  // the library that it loads
  std::string torch = "cuda";  // the device that torch knows it as; "cpu": of a stand-in driver, whose memory is the host's
  size_t libraries_bytes = 0;  // of the arena beside the seat's sizes: what torch's libraries take for themselves
};

class CudaSeat : public SeatMemory {
 public:
  static constexpr uint64_t kInputsAt = 1ull << 60, kArenaAt = 1ull << 61;
  static constexpr unsigned char kPoison = 0xff;  // NaN in every floating type, -1 in every integer

  // `kernels`: null where the host draws and compares.
  static Result<std::unique_ptr<SeatMemory>> Create(std::shared_ptr<const CudaContext> context,
                                                    const DeviceForWorker& device, const SeatSizes& sizes,
                                                    std::shared_ptr<CudaKernels> kernels = nullptr);

  // Headers, inputs, arena.
  std::vector<int> Descriptors() const override;
  void AddAttachFields(Json* fields) const override;
  Status Stage(std::span<const std::byte> inputs) override;
  Status Reveal(Deadline deadline) override;
  bool CopiesOutputs() const override { return true; }
  Status Snapshot(const FindOutputs& find, Deadline deadline) override;
  std::span<const std::byte> Headers() const override { return {headers_.data(), headers_.size()}; }
  Status Read(pid_t process, std::span<OutputPart> parts) override;
  Result<std::span<const std::byte>> InputsAfter(size_t offset, size_t bytes) override;
  Result<std::vector<MemoryRange>> InputsIn(pid_t process) override;
  bool WorksThere() const override { return kernels_ != nullptr; }
  Status StageDrawn(const InputRecipe& recipe) override;
  Result<std::shared_ptr<KeptRun>> KeepRun(std::shared_ptr<KeptRun> used) override;
  Result<std::vector<bool>> Changed(std::span<const MemoryRange> inputs) override;
  Status Wipe() override;

 private:
  explicit CudaSeat(const SeatSizes& sizes) : SeatMemory(sizes) {}
  // Where the range lies here; nothing where it is not wholly in the inputs or the arena.
  std::optional<cuda::Pointer> Resolve(MemoryRange range) const;
  void Keep(std::vector<MemoryRange> ranges);
  Status ToHost(cuda::Pointer from, size_t bytes);

  DeviceForWorker device_;
  std::shared_ptr<const CudaContext> context_;
  std::shared_ptr<CudaKernels> kernels_;
  SharedRegion headers_;
  CudaMemory inputs_, arena_, staged_, snapshot_;
  CudaHostMemory host_;
  std::unique_ptr<CudaStream> stream_;  // ends before what it works on
  KeptPlaces kept_;  // in snapshot_
};

}  // namespace passnet::evaluator
