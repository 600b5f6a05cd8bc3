// Seats of a CPU lane: two shared regions, one of inputs and one of headers. What is staged goes straight into the stopped
// process's region, and outputs are read out of its memory after it is stopped again, so that nothing is done inside the
// clock.
// Threads: as device.h. Owns: both regions. Errors: those of device.h and of SharedRegion.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "evaluator/device/device.h"
#include "evaluator/device/shared_region.h"

namespace passnet::evaluator {

class CpuSeat : public SeatMemory {
 public:
  static Result<std::unique_ptr<SeatMemory>> Create(const SeatSizes& sizes);

  std::vector<int> Descriptors() const override { return {in_.fd(), out_.fd()}; }
  void AddAttachFields(Json*) const override {}
  Status Stage(std::span<const std::byte> inputs) override;
  Status Reveal(Deadline) override { return OkStatus(); }
  bool CopiesOutputs() const override { return false; }
  Status Snapshot(const FindOutputs&, Deadline) override { return OkStatus(); }
  std::span<const std::byte> Headers() const override { return {out_.data(), out_.size()}; }
  Status Read(pid_t process, std::span<OutputPart> parts) override;
  Result<std::span<const std::byte>> InputsAfter(size_t offset, size_t bytes) override;
  Result<std::vector<MemoryRange>> InputsIn(pid_t process) override;

  Status Wipe() override;

 private:
  CpuSeat(const SeatSizes& sizes, SharedRegion in, SharedRegion out);

  SharedRegion in_, out_;
};

// A pool of them.
SeatPool CpuSeats();

}  // namespace passnet::evaluator
